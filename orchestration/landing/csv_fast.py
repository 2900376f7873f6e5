"""CSV by DuckDB's own reader, where counts that owe nothing to it prove its answer right.

Two readings, both for files of one line end, without NUL, with a header on the first line:

* `clean`: the file is nothing but records. When physical lines = 1 + records + line breaks inside their values there is
  no blank line and none that was passed over, because no count can be negative.
* `around`: for a file without quotes. A physical line is then a record or is none, by its delimiters alone; `misfits`
  finds those that are none, DuckDB passes over lines of its own finding, and the two must be the same lines.

DuckDB lets two faults pass: empty fields too many at a line's end, and a quote inside an unquoted field. The first
shows in the file's number of delimiters: no accepted record has too few, so when the sum is right each is. The second
leaves a quote in a value; where values hold quotes, the file's own bytes must show that each was doubled (`quoting`).
"""

from collections.abc import Callable, Iterator
from functools import partial

import duckdb
import pyarrow as pa

from orchestration.landing.engine import literal, shared
from orchestration.landing.header import HeaderLine, HeaderMap
from orchestration.landing.misfits import Misfit, count_delimiters, find_misfits
from orchestration.landing.numbering import rejects_before
from orchestration.landing.quoting import quotes_are_whole
from orchestration.landing.reading import (
    NO_REJECTS,
    Reading,
    Target,
    column_list,
    copy_out,
    write_rejects,
)
from orchestration.landing.text import PlainText
from orchestration.landing.values import Found, look_at_values, may_swallow


class NotProvableError(Exception):
    """The reading may well be right, but the counts do not prove it."""


def may_be_fast(plain: PlainText, line: HeaderLine, delimiter: str) -> bool:
    """Whether nothing in the bytes is known to need the exact reader.

    One line end throughout, no NUL, a header on the first line, more than one column (DuckDB takes a blank line of a
    one-column file for a record), and no quote beside a blank that is not inside a quoted field (where DuckDB drops the
    blank).
    """
    counts = plain.counts
    return (
        counts.has_one_line_end
        and counts.nul == 0
        and line.blank_lines_before == 0
        and line.lines == 1
        and len(line.fields) > 1
        and (counts.blank_quotes == 0 or quotes_are_whole(plain, delimiter))
    )


class FastReader:
    """The readings of one file; each returns what it wrote or raises `NotProvableError` or `duckdb.Error`."""

    def __init__(self, plain: PlainText, target: Target, delimiter: str, line: HeaderLine, header: HeaderMap) -> None:
        self.plain, self.target, self.delimiter, self.line, self.header = plain, target, delimiter, line, header
        self.fields = len(line.fields)
        first = plain.head.partition(b"\n")[0]
        self.quotes = plain.counts.quotes - first.count(b'"')
        self.delimiters = count_delimiters(plain, delimiter) - first.count(delimiter.encode())

    def attempts(self) -> Iterator[Callable[[], Reading]]:
        """The readings worth trying, in order."""
        even = self.delimiters == (self.fields - 1) * (self.plain.counts.lines - 1)
        if self.plain.counts.is_utf8 and (self.quotes or even):
            yield self.clean
        if not self.quotes:
            yield partial(self.around, thorough=False)
            yield partial(self.around, thorough=True)

    def clean(self) -> Reading:
        """Every line is a record, or DuckDB stops at the first that is not."""
        with shared(self.target.work_dir) as connection:
            records = copy_out(connection, self._query(f"select * from {self._reader()}"), self.target.records)
            # Only where the bytes leave room for it does a value hold anything but text.
            inside = self.delimiters - (self.fields - 1) * records
            found = Found(0, 0, 0, False)
            if self.quotes or inside:
                found = look_at_values(connection, self.target, self.header, self.delimiter)
            # Without a quote no value goes over lines, whatever the reader says.
            breaks = found.breaks if self.quotes and self.plain.counts.lines != 1 + records else 0
            if self.plain.counts.lines != 1 + records + breaks:
                raise NotProvableError
            # Dear, and asked only where a row as a whole has delimiters enough.
            full = breaks and found.most_delimiters >= self.fields - 1
            if full and may_swallow(connection, self.target, self.header, self.delimiter, self.fields):
                raise NotProvableError
            # No field too many at a line's end, and no quote in an unquoted field.
            if found.delimiters != inside or (found.quotes and not quotes_are_whole(self.plain, self.delimiter)):
                raise NotProvableError
            write_rejects(connection, self.target, NO_REJECTS)
        return self._reading(records, breaks=breaks)

    def around(self, thorough: bool) -> Reading:
        """Every line that is no record is known beforehand, and passed over."""
        misfits = find_misfits(self.plain, self.delimiter, self.fields, thorough)
        if misfits is None:
            raise NotProvableError
        bad = [misfit for misfit in misfits if misfit.reason is not None]
        blank = len(misfits) - len(bad)
        records = self.plain.counts.lines - 1 - len(misfits)
        numbers, places = _numbers(misfits)
        passed_over = [misfit.line for misfit in misfits if misfit.raw]  # an empty line is none to DuckDB
        with shared(self.target.work_dir) as connection:
            reader = self._reader(", store_rejects=true, rejects_limit=0" if passed_over else "")
            query = self._query(f"select * from {reader}")
            if bad:
                number = f"position + 1 + {rejects_before(connection, places, records, 'position')}"
                source = f"select *, row_number() over () - 1 as position from {reader}"
                query = self._query(source, f", ({number})::bigint as _row_number")
            if copy_out(connection, query, self.target.records) != records:
                raise NotProvableError
            if passed_over:
                told = connection.execute("select distinct line from reject_errors order by line").fetchall()
                if [line for (line,) in told] != passed_over:
                    raise NotProvableError
            self._write_bad(connection, bad, numbers)
        return self._reading(records, rejects=len(bad), blank=blank)

    def _reader(self, options: str = "") -> str:
        columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(self.fields))
        return (
            f"read_csv({literal(str(self.plain.path))}, auto_detect=false, header=true, strict_mode=true, "
            f"delim={literal(self.delimiter)}, quote='\"', escape='\"', columns={{{columns}}}{options})"
        )

    def _query(self, source: str, number: str = "") -> str:
        select = column_list(self.header, [f"c{i}" for i in range(self.fields)])
        return f"select {select}, {self.target.constants()}{number} from ({source}) as r"

    def _write_bad(self, connection: duckdb.DuckDBPyConnection, bad: list[Misfit], numbers: list[int]) -> None:
        if not bad:
            write_rejects(connection, self.target, NO_REJECTS)
            return
        table = pa.table(
            {
                "row_number": pa.array(numbers, pa.int64()),
                "line_number": pa.array([misfit.line for misfit in bad], pa.int64()),
                "reason": pa.array([misfit.reason for misfit in bad], pa.string()),
                "raw": pa.array([misfit.raw.decode("utf-8", "backslashreplace") for misfit in bad], pa.string()),
            }
        )
        connection.register("bad", table)
        write_rejects(connection, self.target, "select *, 1 as line_span from bad")

    def _reading(self, records: int, rejects: int = 0, blank: int = 0, breaks: int = 0) -> Reading:
        return Reading(
            format="csv",
            columns=self.line.fields,
            records=records,
            rejects=rejects,
            encoding=self.plain.encoding,
            delimiter=self.delimiter,
            header_lines=1,
            physical_lines=self.plain.counts.lines,
            record_line_breaks=breaks,
            reject_lines=rejects,
            blank_lines=blank,
        )


def _numbers(misfits: list[Misfit]) -> tuple[list[int], list[int]]:
    """Of each bad line its row number, and how many records stand before it. Blank lines have no number."""
    numbers: list[int] = []
    places: list[int] = []
    blank = 0
    for misfit in misfits:
        if misfit.reason is None:
            blank += 1
            continue
        number = misfit.line - 1 - blank
        places.append(number - 1 - len(numbers))
        numbers.append(number)
    return numbers, places
