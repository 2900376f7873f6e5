"""CSV: DuckDB's reader where its answer can be proved right from the counts alone, the exact reader everywhere else."""

import duckdb

from orchestration.landing.csv_exact import read_exactly
from orchestration.landing.engine import connect, identifier, literal
from orchestration.landing.errors import UnreadableFileError
from orchestration.landing.feeds import Feed
from orchestration.landing.header import HeaderLine, HeaderMap, map_header, split_header
from orchestration.landing.reading import NO_REJECTS, Reading, Target, column_list, copy_out, write_rejects
from orchestration.landing.remedies import header_fault
from orchestration.landing.text import PlainText

LONGEST_HEADER = 1 << 20  # bytes


def read_csv(plain: PlainText, feed: Feed, target: Target) -> Reading:
    """Read a CSV file into the target's two Parquet files.

    Raises `UnreadableFileError` when there is no header, a required column is missing, or law 1 cannot be made to hold.
    """
    delimiter, line, header = choose_dialect(plain, feed, target.org_id)
    if _may_be_fast(plain, line):
        try:
            return _read_fast(plain, target, delimiter, line, header)
        except (duckdb.Error, _NotProvableError):
            pass  # whatever it was, the exact reader finds it out line by line
    return read_exactly(plain, target, delimiter, line, header)


def choose_dialect(plain: PlainText, feed: Feed, org_id: str) -> tuple[str, HeaderLine, HeaderMap]:
    """The delimiter under which the header names most declared columns (the first declared among equals), and that
    header.
    """
    head = plain.head[:LONGEST_HEADER].decode("utf-8", errors="ignore")
    columns = [(c.name, c.required, c.aliases) for c in feed.columns]
    aliases = feed.org_aliases(org_id)
    found = []
    for order, delimiter in enumerate(feed.delimiters):
        line = split_header(head, delimiter)
        if line:
            header = map_header(line.fields, columns, aliases)
            found.append((-header.known, len(header.missing), -len(line.fields), order, delimiter, line, header))
    if not found:
        blank = not head.strip("\ufeff \t\r\n")
        raise UnreadableFileError(
            "no header: the file holds only blank lines" if blank else "a header whose quotes do not close",
            f"a header with the columns {', '.join(c.name for c in feed.columns if c.required) or 'of the feed'}",
            "deliver the file with its header as the first line",
        )
    _, _, _, _, delimiter, line, header = min(found, key=lambda entry: entry[:4])
    if header.missing or header.doubtful or not header.known:
        raise header_fault(feed, org_id, line.fields, header, head, delimiter)
    return delimiter, line, header


class _NotProvableError(Exception):
    """The fast reading may well be right, but the counts do not prove it."""


def _may_be_fast(plain: PlainText, line: HeaderLine) -> bool:
    """Whether nothing in the bytes is known to need the exact reader.

    One line end throughout, no NUL, a header on the first line, more than one column (DuckDB takes a blank line of a
    one-column file for a record), and no quote beside a blank (where DuckDB drops the blank).
    """
    counts = plain.counts
    return (
        counts.has_one_line_end
        and counts.nul == 0
        and counts.blank_quotes == 0
        and line.blank_lines_before == 0
        and line.lines == 1
        and len(line.fields) > 1
    )


def _read_fast(plain: PlainText, target: Target, delimiter: str, line: HeaderLine, header: HeaderMap) -> Reading:
    """Let DuckDB read the file and stop at the first error.

    When physical lines = 1 + records there is no blank line and no line break in a field: neither count can be
    negative. What is left to exclude is a quote in an unquoted field, which DuckDB lets pass: then a value holds a
    quote, and the exact reader decides.
    """
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(line.fields)))
    reader = (
        f"read_csv({literal(str(plain.path))}, auto_detect=false, header=true, strict_mode=true, "
        f"delim={literal(delimiter)}, quote='\"', escape='\"', columns={{{columns}}})"
    )
    with connect(target.work_dir) as connection:
        select = column_list(header, [f"c{i}" for i in range(len(line.fields))])
        records = copy_out(connection, f"select {select}, {target.constants()} from {reader}", target.records)
        if plain.counts.lines != 1 + records:
            raise _NotProvableError
        if plain.counts.quotes and _a_value_has_quotes(connection, target, header):
            raise _NotProvableError
        write_rejects(connection, target, NO_REJECTS)
    return Reading(
        format="csv",
        columns=line.fields,
        records=records,
        rejects=0,
        encoding=plain.encoding,
        delimiter=delimiter,
        header_lines=1,
        physical_lines=plain.counts.lines,
    )


def _a_value_has_quotes(connection: duckdb.DuckDBPyConnection, target: Target, header: HeaderMap) -> bool:
    names = [name for name, position in header.sources if position is not None] + [name for _, name in header.extras]
    test = " or ".join(f"contains({identifier(name)}, '\"')" for name in names)
    row = connection.execute(
        f"select 1 from read_parquet({literal(str(target.records))}) where {test} limit 1"
    ).fetchone()
    return row is not None
