"""What every reader hands over: two Parquet files in the work folder and the counts of law 1."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.landing.engine import identifier, literal
from orchestration.landing.errors import UnreadableFileError
from orchestration.landing.header import HeaderMap

# Writing is most of what landing a CSV file costs, and most of that are the dictionaries that DuckDB tries to build for
# columns of unlike values; the limit makes it give up early. Version 2's encodings of plain texts are cheaper to read.
PARQUET = "(format parquet, parquet_version v2, compression lz4_raw, dictionary_size_limit 5000)"


@dataclass(frozen=True)
class Target:
    """Where a reader writes and the constants that stand in every row; `received_at` is ISO text in UTC without an
    offset.
    """

    work_dir: Path
    org_id: str
    feed: str
    batch_id: str
    source_file: str
    received_at: str
    lines_before: int = 0  # physical lines of the delivered file that the reader is not shown

    @property
    def records(self) -> Path:
        return self.work_dir / "records.parquet"

    @property
    def rejects(self) -> Path:
        return self.work_dir / "rejects.parquet"

    def constants(self) -> str:
        """The constant columns as a select list."""
        texts = {
            "_org_id": self.org_id,
            "_feed": self.feed,
            "_batch_id": self.batch_id,
            "_source_file": self.source_file,
        }
        # An enum of one value is written as its dictionary, without hashing ten million equal texts; in the file it is
        # a text like any other.
        select = [f"{literal(text)}::enum({literal(text)}) as {name}" for name, text in texts.items()]
        return ", ".join([*select, f"{literal(self.received_at)}::timestamp as _received_at"])


@dataclass(frozen=True)
class Reading:
    """What was read, in records and physical lines (None where the format has no lines)."""

    format: str
    columns: tuple[str, ...]  # the delivered header
    records: int
    rejects: int
    encoding: str | None = None
    delimiter: str | None = None
    header_lines: int = 0
    physical_lines: int | None = None
    record_line_breaks: int = 0
    reject_lines: int = 0
    blank_lines: int = 0

    def check(self) -> None:
        """Law 1: every physical line is explained. Raises `UnreadableFileError` with the numbers otherwise."""
        if self.physical_lines is None:
            return
        parts = {
            "header": self.header_lines,
            "records": self.records,
            "line breaks inside fields": self.record_line_breaks,
            "rejects": self.reject_lines,
            "blank": self.blank_lines,
        }
        if self.physical_lines != sum(parts.values()):
            told = " + ".join(f"{count} {name}" for name, count in parts.items())
            raise UnreadableFileError(
                f"{self.physical_lines} physical lines, but {told} = {sum(parts.values())}",
                "every physical line explained; this file would lose some, so none of it is landed",
                "this is a fault of the landing, not of the file: report it with the file",
            )


def column_list(header: HeaderMap, expressions: Sequence[str]) -> str:
    """Declared columns in their order, then the extra ones, as a select list over one expression per delivered
    column.
    """
    absent = {name: "null::varchar" for name, position in header.sources if position is None}
    absent |= {name: f"{literal(text)}::varchar" for name, text in header.constants.items()}
    parts = [
        f"{expressions[position] if position is not None else absent[name]} as {identifier(name)}"
        for name, position in header.sources
    ]
    parts += [f"{expressions[position]} as {identifier(name)}" for position, name in header.extras]
    return ", ".join(parts)


def write_rejects(connection: duckdb.DuckDBPyConnection, target: Target, rejects: str) -> int:
    """Write `rejects.parquet` from a relation with (row_number, line_number, line_span, reason, raw); returns how
    many.
    """
    query = f"""
        select {target.constants()}, row_number::bigint as _row_number,
               (line_number + {target.lines_before})::bigint as _line_number,
               line_span::bigint as _line_span, reason::varchar as _reason, raw::varchar as _raw
        from ({rejects}) as r order by row_number"""
    return copy_out(connection, query, target.rejects)


NO_REJECTS = "select 0 as row_number, 0 as line_number, 0 as line_span, '' as reason, '' as raw where false"


def copy_out(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> int:
    """COPY a query to a Parquet file; returns the number of rows."""
    row = connection.execute(f"copy ({query}) to {literal(str(path))} {PARQUET}").fetchone()
    return int(row[0]) if row else 0
