"""What stays of a quick reconciliation: its results as files, whole or not at all."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

import duckdb

from orchestration.data_dir import write_json
from orchestration.errors import TieoutError, UsageError
from orchestration.landing.engine import connect
from orchestration.quick.plan import Plan
from orchestration.quick.workshop import RECORD
from orchestration.warehouse import literal

# Each file with the mart that it holds and the order of its rows.
FILES = {
    "results": ("reconciliation_results", "result_id"),
    "exceptions": ("exceptions", "exception_id"),
    "rejected_records": ("rejected_records", "feed, source_file, row_number, line_number, reasons"),
    "control_totals": ("control_totals", "org_id, balance, scope, side, currency, unit"),
}
ALSO_PARQUET = ("results",)

# What only stands in the results because a record must have it: where a file has none, they say nothing.
_OF_AMOUNTS = (
    *("source_currency", "target_currency", "source_amount_minor", "target_amount_minor", "difference_minor"),
    *("price_abs_minor", "price_pct"),
)
_OF_STATUSES = ("source_status", "target_status")
_OF_TIMES = ("business_date", "source_event_at", "target_event_at", "skew_microseconds", "skew_seconds", "due_at")


def check_free(out: Path) -> None:
    """Refuse a folder that holds something else.

    Raises:
        UsageError: the path is a file, or a folder with other files than an earlier quick reconciliation's.
    """
    if out.is_file():
        raise UsageError(f"--out {out} is a file; give a folder.")
    if out.is_dir() and any(out.iterdir()) and not (out / RECORD).is_file():
        raise UsageError(f"--out {out} holds files that are not from `tieout quick`; give a new or an empty folder.")


def write_results(published: Path, plan: Plan, record: dict[str, Any], out: Path) -> list[Path]:
    """Write the files of a published copy into a folder, the record beside them; returns them. The folder appears with
    all of them, in place of an earlier one.

    Raises:
        TieoutError: a file could not be written; the folder is as before.
    """
    fresh: Path | None = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
        # What has to be sorted may be larger than the memory.
        with connect(published.parent) as connection:
            connection.execute("set TimeZone = 'UTC'")
            for name, (mart, order) in FILES.items():
                rows = _rows(connection, published / "marts" / f"{mart}*.parquet", plan if name == "results" else None)
                ordered = f"select * from {rows} order by {order}"
                if name in ALSO_PARQUET:
                    _copy(connection, ordered, fresh / f"{name}.parquet", "format parquet, compression zstd")
                _copy(connection, ordered, fresh / f"{name}.csv", "format csv, header")
        write_json(fresh / RECORD, record)
        names = sorted(path.name for path in fresh.iterdir())
        _swap(fresh, out)
        return [out / name for name in names]
    except (duckdb.Error, OSError) as error:
        raise TieoutError(f"The results could not be written to {out}: {error}. Nothing there has changed.") from error
    finally:
        if fresh is not None:
            shutil.rmtree(fresh, ignore_errors=True)


def rejected(published: Path, limit: int) -> list[dict[str, Any]]:
    """The first rejected records, with their reasons."""
    files = literal(str(published / "marts" / "rejected_records*.parquet"))
    with duckdb.connect() as connection:
        found = connection.execute(
            "select source_file, row_number, line_number, column_name, value, reasons"
            f" from read_parquet({files}) order by feed, row_number limit {int(limit)}"
        )
        names = [column[0] for column in found.description or []]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _rows(connection: duckdb.DuckDBPyConnection, files: Path, plan: Plan | None) -> str:
    relation = f"read_parquet({literal(str(files))})"
    if plan is None:
        return relation
    silent = [
        *(() if plan.compares_amounts else _OF_AMOUNTS),
        *(() if plan.compares_statuses else _OF_STATUSES),
        *(() if plan.compares_times else _OF_TIMES),
    ]
    types = {row[0]: row[1] for row in connection.execute(f"describe select * from {relation}").fetchall()}
    blank = ", ".join(f"null::{types[name]} as {name}" for name in silent if name in types)
    return f"(select * replace ({blank}) from {relation})" if blank else relation


def _copy(connection: duckdb.DuckDBPyConnection, query: str, file: Path, form: str) -> None:
    connection.execute(f"copy ({query}) to {literal(str(file))} ({form})")


def _swap(fresh: Path, out: Path) -> None:
    """Put a finished folder in place of what is there."""
    fresh.chmod(0o755)
    old = fresh.with_name(fresh.name + ".old")
    if out.exists():
        out.rename(old)
    try:
        fresh.rename(out)
    except OSError:
        if old.exists():
            old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)
