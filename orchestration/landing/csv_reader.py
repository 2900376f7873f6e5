"""CSV: DuckDB's reader where its answer can be proved right from the counts alone, the exact reader everywhere else."""

import duckdb

from orchestration.landing.csv_exact import read_exactly
from orchestration.landing.csv_fast import FastReader, NotProvableError, may_be_fast
from orchestration.landing.errors import UnreadableFileError
from orchestration.landing.feeds import Feed
from orchestration.landing.header import HeaderLine, HeaderMap, map_header, split_header
from orchestration.landing.reading import Reading, Target
from orchestration.landing.remedies import header_fault
from orchestration.landing.text import PlainText

LONGEST_HEADER = 1 << 20  # bytes


def read_csv(plain: PlainText, feed: Feed, target: Target) -> Reading:
    """Read a CSV file into the target's two Parquet files.

    Raises `UnreadableFileError` when there is no header, a required column is missing, or law 1 cannot be made to hold.
    """
    delimiter, line, header = choose_dialect(plain, feed, target.org_id)
    if may_be_fast(plain, line):
        fast = FastReader(plain, target, delimiter, line, header)
        for attempt in fast.attempts():
            try:
                return attempt()
            except (duckdb.Error, NotProvableError):
                pass  # whatever it was, the next reader finds it out, the last one line by line
    return read_exactly(plain, target, delimiter, line, header)


def choose_dialect(plain: PlainText, feed: Feed, org_id: str) -> tuple[str, HeaderLine, HeaderMap]:
    """The delimiter under which the header names most declared columns (the first declared among equals), and that
    header.
    """
    head = plain.head[:LONGEST_HEADER].decode("utf-8", errors="replace")
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
    if not plain.counts.is_utf8 and any("\ufffd" in name for name in line.fields):
        raise UnreadableFileError(
            "a header that is not valid UTF-8, in a file that otherwise is",
            "a header in the encoding of the rest",
            "deliver the file in one encoding",
        )
    return delimiter, line, header
