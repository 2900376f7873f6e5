"""Landed batches into Postgres by COPY: one transaction a batch, so that a crash or a second run changes nothing."""

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.extensions
import pyarrow as pa
import pyarrow.csv as pa_csv
from psycopg2 import sql

from orchestration.landing.crash_points import crash_point
from orchestration.landing.engine import connect, identifier, literal
from orchestration.landing.feeds import Feed
from orchestration.landing.manifest import FIELDS, iso, read_manifests

Connection = psycopg2.extensions.connection

BATCH_TYPES = {
    "bytes": "bigint",
    "received_at": "timestamp",
    "landed_at": "timestamp",
    "header_lines": "bigint",
    "physical_lines": "bigint",
    "record_count": "bigint",
    "reject_count": "bigint",
    "record_line_breaks": "bigint",
    "reject_lines": "bigint",
    "blank_lines": "bigint",
    "columns": "text[]",
}
REJECT_COLUMNS = {
    "org_id": "text",
    "system": "text",
    "feed": "text",
    "batch_id": "text",
    "source_file": "text",
    "received_at": "timestamp",
    "row_number": "bigint",
    "line_number": "bigint",
    "line_span": "bigint",
    "reason": "text",
    "raw": "text",
}
RECORD_META = {
    "_org_id": "text",
    "_batch_id": "text",
    "_source_file": "text",
    "_received_at": "timestamp",
    "_row_number": "bigint",
}
ROWS_AT_A_TIME = 65_536


@dataclass(frozen=True)
class LoadReport:
    """What a load did: batches copied now, their records, and batches that were there already."""

    batches: int
    rows: int
    present: int


def load_postgres(
    data_dir: Path | str,
    feeds: Mapping[str, Feed],
    connect_kwargs: Mapping[str, Any],
    schema: str = "landing",
    as_of: datetime | None = None,
) -> LoadReport:
    """Bring schema, tables and every landed batch (received by `as_of`, if given) into Postgres.

    `connect_kwargs` go to `psycopg2.connect`. Tables are made when missing and get columns that a declaration has
    gained; none is ever changed or dropped. Each batch is one transaction that ends with its row in `batches`: what
    has no row there is copied, the rest is left alone. A batch of a feed that is no longer declared is not loaded.
    Raises `psycopg2.Error` when the server refuses.
    """
    limit = iso(as_of) if as_of else None
    manifests = [m for m in read_manifests(data_dir) if limit is None or m["received_at"] <= limit]
    connection = psycopg2.connect(**connect_kwargs)
    try:
        with connection, connection.cursor() as cursor:
            _ensure_tables(cursor, feeds, schema)
            cursor.execute(sql.SQL("select batch_id from {}").format(sql.Identifier(schema, "batches")))
            present = {row[0] for row in cursor.fetchall()}
        declared = [(one, feeds.get(f"{one['system']}/{one['feed']}")) for one in manifests]
        due = [(one, feed) for one, feed in declared if feed is not None and one["batch_id"] not in present]
        batches = rows = 0
        # To start an engine takes longer than to copy a small batch.
        with connect(Path(data_dir) / "landing" / ".tmp" / "postgres") if due else nullcontext() as engine:
            for manifest, feed in due:
                with connection, connection.cursor() as cursor:
                    copied = _copy_batch(cursor, engine, manifest, feed, schema)
                    crash_point("before-commit")
                crash_point("after-commit")
                batches += copied
                rows += manifest["record_count"] if copied else 0
        return LoadReport(batches, rows, len(present))
    finally:
        connection.close()


def _ensure_tables(cursor: Any, feeds: Mapping[str, Feed], schema: str) -> None:
    # Two loads that make the same tables at once would fail on the catalogue; the lock ends with the transaction.
    cursor.execute("select pg_advisory_xact_lock(hashtext(%s))", (f"tieout.{schema}",))
    cursor.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))
    batches = {name: BATCH_TYPES.get(name, "text") for name in FIELDS}
    _ensure_table(cursor, schema, "batches", batches, primary_key="batch_id")
    _ensure_table(cursor, schema, "rejects", REJECT_COLUMNS)
    for feed in feeds.values():
        _ensure_table(cursor, schema, feed.relation, dict.fromkeys(feed.column_names, "text") | RECORD_META)


def _ensure_table(
    cursor: Any, schema: str, table: str, columns: Mapping[str, str], primary_key: str | None = None
) -> None:
    parts = [
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind + (" primary key" if name == primary_key else "")))
        for name, kind in columns.items()
    ]
    cursor.execute(
        sql.SQL("create table if not exists {} ({})").format(sql.Identifier(schema, table), sql.SQL(", ").join(parts))
    )
    cursor.execute(
        "select column_name from information_schema.columns where table_schema = %s and table_name = %s",
        (schema, table),
    )
    there = {row[0] for row in cursor.fetchall()}
    for name, part in zip(columns, parts, strict=True):
        if name not in there:
            cursor.execute(sql.SQL("alter table {} add column {}").format(sql.Identifier(schema, table), part))


def _copy_batch(cursor: Any, engine: Any, manifest: dict[str, Any], feed: Feed, schema: str) -> bool:
    """Copy one batch inside the open transaction; False when another load has just done it."""
    names = sql.SQL(", ").join(map(sql.Identifier, FIELDS))
    marks = sql.SQL(", ").join(sql.Placeholder() * len(FIELDS))
    table = sql.Identifier(schema, "batches")
    values = [_timestamp(manifest[n]) if BATCH_TYPES.get(n) == "timestamp" else manifest[n] for n in FIELDS]
    # First, because the unique key makes a second load of the same batch wait here and then copy nothing.
    cursor.execute(
        sql.SQL("insert into {} ({}) values ({}) on conflict do nothing").format(table, names, marks), values
    )
    if cursor.rowcount == 0:
        return False
    folder = Path(manifest["path"])
    if manifest["record_count"]:
        query = _records_query(engine, folder / "records.parquet", feed)
        columns = [*feed.column_names, *RECORD_META]
        _copy(cursor, schema, feed.relation, columns, engine.sql(query).to_arrow_reader(ROWS_AT_A_TIME))
    if manifest["reject_count"]:
        # Postgres cannot hold NUL in a text; the symbol for it stands in its place (the file's Parquet keeps the
        # character itself).
        query = f"""
            select _org_id, {literal(feed.system)}, {literal(feed.name)}, _batch_id, _source_file, _received_at,
                   _row_number, _line_number, _line_span, _reason, replace(_raw, chr(0), '\u2400')
            from read_parquet({literal(str(folder / "rejects.parquet"))})"""
        _copy(cursor, schema, "rejects", list(REJECT_COLUMNS), engine.sql(query).to_arrow_reader(ROWS_AT_A_TIME))
    return True


def _records_query(engine: Any, path: Path, feed: Feed) -> str:
    """The table's columns from a batch's Parquet; a column that was declared after the batch landed is NULL."""
    source = f"read_parquet({literal(str(path))}, file_row_number=true)"
    there = {row[0] for row in engine.execute(f"describe select * from {source}").fetchall()}
    columns = [identifier(name) if name in there else "null::varchar" for name in feed.column_names]
    number = "_row_number" if "_row_number" in there else "file_row_number + 1"
    return f"select {', '.join(columns)}, _org_id, _batch_id, _source_file, _received_at, {number} from {source}"


def _copy(cursor: Any, schema: str, table: str, columns: list[str], reader: Iterable[pa.RecordBatch]) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("copy {} ({}) from stdin (format csv)").format(sql.Identifier(schema, table), names)
    cursor.copy_expert(statement.as_string(cursor), _CsvStream(reader))


class _CsvStream:
    """Arrow batches as a readable stream of CSV: a NULL is nothing at all, an empty text is two quotes. Holds one
    batch at a time.
    """

    OPTIONS = pa_csv.WriteOptions(include_header=False, quoting_style="all_valid")

    def __init__(self, batches: Iterable[pa.RecordBatch]) -> None:
        self._batches = iter(batches)
        self._buffer = BytesIO()

    def read(self, size: int = -1) -> bytes:
        while not (piece := self._buffer.read(size)):
            batch = next(self._batches, None)
            if batch is None:
                return b""
            self._buffer = BytesIO()
            pa_csv.write_csv(batch, self._buffer, self.OPTIONS)
            self._buffer.seek(0)
        return piece


def _timestamp(text: str) -> datetime:
    """A manifest's time as the naive UTC that the tables hold."""
    return datetime.fromisoformat(text).replace(tzinfo=None)
