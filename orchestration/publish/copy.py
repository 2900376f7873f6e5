"""Writing the published copy: what BI reads, in a DuckDB file and as Parquet, whole and consistent."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration.data_dir import DataDir, write_json
from orchestration.errors import PublishError
from orchestration.landing.crash_points import crash_point
from orchestration.publish import parts as cutting
from orchestration.publish import versions
from orchestration.publish.parts import Fingerprint, Part, Section
from orchestration.warehouse import Column, Warehouse, literal, quoted

SCHEMA = "marts"
MARTS = (
    "reconciliation_results",
    "exceptions",
    "reconciliation_summary",
    "rejected_records",
    "control_totals",
    "match_suggestions",
    "exception_history",
    "exception_ageing",
    "daily_trends",
    "counterparty_scorecard",
    "absorption_budgets",
    "proposed_entries",
    "health_metrics",
)
DUCKDB_FILE = "tieout.duckdb"

# Raised when the layout of a version changes: everything is then written again.
LAYOUT = 3

# Columns of many values are not tried as dictionaries first: half the time for a file a tenth larger. Version 2's
# encodings make it a quarter smaller.
PARQUET = "compression zstd, compression_level 1, dictionary_size_limit 5000, parquet_version v2"

# What other columns of the same row determine, under the same code: looking at it again would only cost. `row_hash` is
# made of the first lines, `rule_version` of the last one, and a result's id of its ladder, side and record.
ROW_HASH = "row_hash"
DETERMINED = (
    *("org_id", "stream", "step", "result", "anomalies", "source_system", "source_activity_id"),
    *("target_system", "target_activity_id", "counterparty_id", "business_date", "source_currency", "target_currency"),
    *("source_amount_minor", "target_amount_minor", "difference_minor", "source_status", "target_status"),
    *("skew_microseconds", "result_id"),
    *("price_abs_minor", "price_pct", "skew_seconds", "grace_minutes"),
)

OnMart = Callable[[str], None]


@dataclass(frozen=True)
class Mart:
    """A mart as this version holds it."""

    name: str
    columns: list[Column]
    parts: list[Part]
    # As the version before holds it, because this run could not make it.
    is_kept: bool = False

    @property
    def cut(self) -> bool:
        return self.parts[0].key != cutting.WHOLE

    def described(self) -> dict[str, Any]:
        """The mart's entry in the manifest."""
        return {
            "columns": [[column.name, column.type] for column in self.columns],
            "parts": {
                part.key: {"rows": part.fingerprint.rows, "fingerprint": str(part.fingerprint.total)}
                for part in self.parts
            },
        }


def publish(
    data: DataDir,
    warehouse: Warehouse,
    *,
    marts: tuple[str, ...] = MARTS,
    code: str = "",
    row_limit: int = cutting.ROW_LIMIT,
    part_rows: int = cutting.PART_ROWS,
    on_mart: OnMart | None = None,
    left_out: frozenset[str] = frozenset(),
) -> Path:
    """Publish the marts of a warehouse and return the folder of the version that readers now see.

    Of those `left_out` readers keep what the version before holds; what it does not hold is not there.

    Files whose content has not changed are linked from the version before; when nothing at all has changed, that
    version stays. What other `code` made of the same records is written anew.

    Raises:
        PublishError: a mart is missing, or a file could not be written; the published version is the one before.
    """
    _check_globs(marts)
    before = versions.current(data)
    known = versions.manifest(before)
    # A hash is only comparable with one of the same engine and version; a view holds the path it was made with.
    setting = {
        "layout": LAYOUT,
        "engine": type(warehouse).__name__,
        "duckdb": duckdb.__version__,
        "code": code,
        "root": str(data.root),
    }
    comparable = known.get("setting") == setting
    state = [
        _read(warehouse, name, known["marts"].get(name) if comparable else None, row_limit, part_rows)
        for name in marts
        if name not in left_out
    ]
    there = known.get("marts", {})
    state += [_kept(name, there[name]) for name in marts if name in left_out and name in there]
    described = {mart.name: mart.described() for mart in state}
    if before is not None and comparable and known["marts"] == described:
        return before
    version = versions.begin(data)
    try:
        for mart in state:
            if on_mart:
                on_mart(mart.name)
            unchanged = known["marts"].get(mart.name) if comparable else None
            _write_parts(warehouse, mart, version, before, unchanged)
        crash_point("mid-publish")
        _write_duckdb(warehouse, state, version)
        write_json(version / versions.MANIFEST, {"setting": setting, "marts": described})
    except (OSError, duckdb.Error) as error:
        raise PublishError(
            f"The published copy could not be written: {error}. Readers still see the version before."
        ) from error
    crash_point("before-swap")
    versions.swap(data, version)
    crash_point("after-swap")
    return version


def _check_globs(marts: tuple[str, ...]) -> None:
    """`<mart>*.parquet` is how a mart is read, so no mart's name may begin with another's."""
    for name in marts:
        longer = [other for other in marts if other != name and other.startswith(name)]
        if longer:
            raise PublishError(f"The pattern {name}*.parquet would also read {', '.join(longer)}: rename one of them.")


def sections_of(columns: list[Column]) -> list[Section]:
    """How a mart is cut when it is large, by the columns that it has; none when nothing fits.

    What is settled stays: a matched row is put where it came in, by the day of its later receipt, and only then by its
    business date. What is open comes and goes, wherever its date lies, and is kept apart: so a day that closes old
    exceptions and brings new matches touches the open rows and the newest ones, not every date.
    """
    names = {column.name for column in columns}
    if {"result", "last_received_at", "business_date"} <= names:
        return [
            Section("", "result = 'MATCHED'", ("cast(last_received_at as date)", "business_date")),
            Section("open", "result <> 'MATCHED'", ("business_date",)),
        ]
    return [Section("", "true", ("business_date",))] if "business_date" in names else []


def deciding(columns: list[Column]) -> list[str]:
    """The columns that a row's fingerprint is made of: all, but where a row has a hash not those that it covers."""
    names = [column.name for column in columns]
    return [name for name in names if ROW_HASH not in names or name not in DETERMINED]


def _read(warehouse: Warehouse, name: str, known: dict[str, Any] | None, row_limit: int, part_rows: int) -> Mart:
    """Look at a mart: its columns, and the fingerprints of what is in it (one scan, no sort)."""
    columns = warehouse.columns(SCHEMA, name)
    if not columns:
        raise PublishError(f"The warehouse has no {SCHEMA}.{name}; the build should have made it.")
    sections = sections_of(columns)
    width = max((len(section.key) for section in sections), default=0)
    number = " ".join(f"when {section.where} then {index}" for index, section in enumerate(sections))
    days = [
        "case " + " ".join(f"when {s.where} then {s.key[i]}" for s in sections if i < len(s.key)) + " end"
        for i in range(width)
    ]
    found = warehouse.rows(
        f"select {', '.join([f'case {number} end' if sections else '0', *days])},"
        f" count(*), sum({warehouse.content_hash(deciding(columns))})"
        f" from {warehouse.relation(SCHEMA, name)}"
        f" group by {', '.join(str(position + 1) for position in range(width + 1))}"
    )
    by_section: dict[int, dict[cutting.Key, Fingerprint]] = {}
    for row in found:
        length = len(sections[row[0]].key) if sections else 0
        key = tuple(day or cutting.NO_DATE for day in row[1 : 1 + length])
        by_section.setdefault(row[0], {})[key] = Fingerprint(int(row[-2]), int(row[-1]))
    everything = sum((sum(keys.values(), Fingerprint(0, 0)) for keys in by_section.values()), Fingerprint(0, 0))
    if not sections or everything.rows <= row_limit:
        return Mart(name, columns, [Part(cutting.WHOLE, "true", everything)])
    before = list((known or {"parts": {}})["parts"])
    parts = [
        part
        for index, section in enumerate(sections)
        for part in cutting.cut(section, by_section.get(index, {}), before, part_rows=part_rows)
    ]
    return Mart(name, columns, parts)


def _kept(name: str, entry: dict[str, Any]) -> Mart:
    """A mart as the version before holds it. Its fingerprint says nothing of what this run's code would make."""
    parts = [Part(key, "true", Fingerprint(part["rows"], -1)) for key, part in entry["parts"].items()]
    return Mart(name, [Column(*column) for column in entry["columns"]], parts, is_kept=True)


def _write_parts(
    warehouse: Warehouse, mart: Mart, version: Path, before: Path | None, known: dict[str, Any] | None
) -> None:
    """Write the files of a mart, linking those that have not changed."""
    described = mart.described()
    same_shape = known is not None and known["columns"] == described["columns"]
    for part in mart.parts:
        file = version / "marts" / part.file_name(mart.name)
        if before and mart.is_kept:
            os.link(before / "marts" / file.name, file)
            continue
        if before and known and same_shape and known["parts"].get(part.key) == described["parts"][part.key]:
            # The same content under the same key; a range whose end moved holds other rows, hence another fingerprint.
            os.link(before / "marts" / file.name, file)
            continue
        with warehouse.readable(SCHEMA, mart.name, part.where) as rows:
            warehouse.connection.execute(
                f"copy (select * from {rows}) to {literal(str(file))} (format parquet, {PARQUET})"
            )


def _write_duckdb(warehouse: Warehouse, marts: list[Mart], version: Path) -> None:
    """Write `tieout.duckdb` from the Parquet files, so that both say the same.

    A mart that is one file becomes a table. One that is cut becomes a view over its files, by absolute path: as a
    table its millions of rows would be written a second time, whatever the change.
    """
    connection = warehouse.connection
    file = version / DUCKDB_FILE
    connection.execute(f"attach {literal(str(file))} as published")
    try:
        connection.execute(f"create schema published.{SCHEMA}")
        for mart in marts:
            files = ", ".join(literal(str(version / "marts" / part.file_name(mart.name))) for part in mart.parts)
            kind = "view" if mart.cut else "table"
            connection.execute(
                f"create {kind} published.{SCHEMA}.{quoted(mart.name)} as select * from read_parquet([{files}])"
            )
        connection.execute("checkpoint published")
    finally:
        connection.execute("detach published")
