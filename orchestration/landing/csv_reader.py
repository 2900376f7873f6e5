"""CSV: DuckDB's reader where its answer can be proved right from the counts alone, the exact reader everywhere else."""

from collections.abc import Iterator
from dataclasses import replace

import duckdb

from orchestration.landing.csv_exact import read_exactly
from orchestration.landing.csv_fast import FastReader, NotProvableError, may_be_fast
from orchestration.landing.errors import UnreadableFileError
from orchestration.landing.feeds import Feed
from orchestration.landing.header import HeaderLine, HeaderMap, header_candidates, map_header
from orchestration.landing.reading import Reading, Target
from orchestration.landing.remedies import refuse_unfit
from orchestration.landing.reshape import even_out, fewest_fields, without_first_lines
from orchestration.landing.text import PlainText

LONGEST_HEADER = 1 << 20  # bytes


def read_csv(plain: PlainText, feed: Feed, target: Target) -> Reading:
    """Read a CSV file into the target's two Parquet files.

    Raises `UnreadableFileError` when there is no header, a required column is missing, or law 1 cannot be made to hold.
    """
    delimiter, line, header = choose_dialect(plain, feed, target.org_id)
    if line.preamble_lines:
        body = without_first_lines(plain, line.lines_before, target.work_dir)
        below = replace(line, blank_lines_before=0, preamble_lines=0)
        shown = replace(target, lines_before=line.lines_before)
        reading = _read_table(body, feed, shown, delimiter, below, header)
        return replace(
            reading,
            header_lines=reading.header_lines + line.preamble_lines,
            blank_lines=reading.blank_lines + line.blank_lines_before,
            physical_lines=plain.counts.lines,
        )
    return _read_table(plain, feed, target, delimiter, line, header)


def _read_table(
    plain: PlainText, feed: Feed, target: Target, delimiter: str, line: HeaderLine, header: HeaderMap
) -> Reading:
    least = fewest_fields(header, [c.name for c in feed.columns if c.required]) if feed.ragged_ends else None
    for reader in _fast_readers(plain, target, delimiter, line, header, least):
        for attempt in reader.attempts():
            try:
                return attempt()
            except (duckdb.Error, NotProvableError):
                pass  # whatever it was, the next reader finds it out, the last one line by line
    return read_exactly(plain, target, delimiter, line, header, least)


def _fast_readers(
    plain: PlainText, target: Target, delimiter: str, line: HeaderLine, header: HeaderMap, least: int | None
) -> Iterator[FastReader]:
    """At most one reader: of the file, or where lines may be of unlike length of a copy in which they are not."""
    if not may_be_fast(plain, line, delimiter):
        return
    reader = FastReader(plain, target, delimiter, line, header)
    if least is not None:
        even = even_out(plain, delimiter, len(line.fields), least, target.work_dir)
        if even is None:
            return
        reader = FastReader(even, target, delimiter, line, header)
    yield reader


def choose_dialect(plain: PlainText, feed: Feed, org_id: str) -> tuple[str, HeaderLine, HeaderMap]:
    """The delimiter under which the header names most declared columns (the first declared among equals), and that
    header.
    """
    head = plain.head[:LONGEST_HEADER].decode("utf-8", errors="replace")
    columns = [(c.name, c.required, c.aliases) for c in feed.columns]
    aliases, values = feed.org_aliases(org_id), feed.org_values(org_id)
    found = []
    for order, delimiter in enumerate(feed.delimiters):
        lines = [
            (line, map_header(line.fields, columns, aliases).with_constants(values))
            for line in header_candidates(head, delimiter, feed.header_within)
        ]
        whole = next(((line, header) for line, header in lines if header.known and not header.missing), None)
        if lines:
            line, header = whole or max(lines, key=lambda entry: entry[1].known)
            found.append((-header.known, len(header.missing), -len(line.fields), order, delimiter, line, header))
    if not found:
        blank = not head.strip("\ufeff \t\r\n")
        within = f"on one of the first {feed.header_within} lines"
        raise UnreadableFileError(
            "no header: the file holds only blank lines" if blank else "a header whose quotes do not close",
            f"a header with the columns {', '.join(c.name for c in feed.columns if c.required) or 'of the feed'}",
            f"deliver the file with its header {'as the first line' if feed.header_within == 1 else within}",
        )
    _, _, _, _, delimiter, line, header = min(found, key=lambda entry: entry[:4])
    refuse_unfit(feed, org_id, line.fields, header, head, delimiter)
    if not plain.counts.is_utf8 and any("\ufffd" in name for name in line.fields):
        raise UnreadableFileError(
            "a header that is not valid UTF-8, in a file that otherwise is",
            "a header in the encoding of the rest",
            "deliver the file in one encoding",
        )
    return delimiter, line, header
