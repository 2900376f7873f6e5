"""Writing the published copy: what BI reads, in a DuckDB file and as Parquet, whole and consistent."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from orchestration.data_dir import DataDir, write_json
from orchestration.errors import PublishError
from orchestration.landing.crash_points import crash_point
from orchestration.publish import parts as cutting
from orchestration.publish import versions
from orchestration.publish.parts import Fingerprint, Part
from orchestration.warehouse import Column, Warehouse, literal, quoted

SCHEMA = "marts"
MARTS = ("reconciliation_results", "exceptions", "reconciliation_summary", "rejected_records", "control_totals")
DUCKDB_FILE = "tieout.duckdb"

# Raised when the layout of a version changes: everything is then written again.
LAYOUT = 1

OnMart = Callable[[str], None]


@dataclass(frozen=True)
class Mart:
    """A mart as this version holds it."""

    name: str
    columns: list[Column]
    parts: list[Part]

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
    row_limit: int = cutting.ROW_LIMIT,
    part_rows: int = cutting.PART_ROWS,
    on_mart: OnMart | None = None,
) -> Path:
    """Publish the marts of a warehouse and return the folder of the version that readers now see.

    Files whose content has not changed are linked from the version before; when nothing at all has changed, that
    version stays.

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
        "root": str(data.root),
    }
    comparable = known.get("setting") == setting
    state = [
        _read(warehouse, name, known["marts"].get(name) if comparable else None, row_limit, part_rows) for name in marts
    ]
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


def _read(warehouse: Warehouse, name: str, known: dict[str, Any] | None, row_limit: int, part_rows: int) -> Mart:
    """Look at a mart: its columns, and the fingerprints of what is in it (one scan, no sort)."""
    columns = warehouse.columns(SCHEMA, name)
    if not columns:
        raise PublishError(f"The warehouse has no {SCHEMA}.{name}; the build should have made it.")
    dated = any(column.name == "business_date" for column in columns)
    day = "business_date" if dated else "null"
    found = warehouse.rows(
        f"select {day}, count(*), sum({warehouse.content_hash('t')})"
        f" from {warehouse.relation(SCHEMA, name)} as t group by 1"
    )
    by_date = {key: Fingerprint(int(rows), int(total)) for key, rows, total in found}
    starts = [
        date.fromisoformat(key)
        for key in (known or {"parts": {}})["parts"]
        if key not in (cutting.WHOLE, cutting.NO_DATE)
    ]
    return Mart(name, columns, cutting.cut(by_date, starts, dated=dated, row_limit=row_limit, part_rows=part_rows))


def _write_parts(
    warehouse: Warehouse, mart: Mart, version: Path, before: Path | None, known: dict[str, Any] | None
) -> None:
    """Write the files of a mart, linking those that have not changed."""
    described = mart.described()
    same_shape = known is not None and known["columns"] == described["columns"]
    for part in mart.parts:
        file = version / "marts" / part.file_name(mart.name)
        if before and known and same_shape and known["parts"].get(part.key) == described["parts"][part.key]:
            # The same content under the same key; a range whose end moved holds other rows, hence another fingerprint.
            os.link(before / "marts" / file.name, file)
            continue
        with warehouse.readable(SCHEMA, mart.name, part.where) as rows:
            warehouse.connection.execute(
                f"copy (select * from {rows}) to {literal(str(file))} (format parquet, compression zstd)"
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
