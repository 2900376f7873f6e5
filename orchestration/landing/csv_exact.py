"""CSV line by line, in SQL: exact about every physical line, whatever is wrong with some of them.

The grammar is RFC 4180, strictly: a field is either free of quotes, or quoted as a whole with its quotes doubled. Two
facts make recovery local and free of loops:

* A record can only go over a line end inside a quoted field, so it begins in a line with an odd number of quotes (an
  odd line) and ends in the *next* odd line: between the two every line has an even number and leaves the field open. A
  record of several lines is thus a pair of neighbouring odd lines, and whether that pair reads as a record depends on
  its own text only.
* A pair that does not read shows that a quote of its first line is astray; that line is a reject by itself and every
  line after it stands on its own feet. So chosen pairs are, in each run of neighbouring readable pairs, the first, the
  third, the fifth and so on.

A pair is not taken for a record when a line between its two is a complete record by itself (`SWALLOW_COLUMNS` fields
or more): then a closing quote is missing, and good records would be swallowed as the text of one field.

All of it is set-based over a table of lines that spills to disk.
"""

import re
from collections.abc import Iterator

import duckdb
import pyarrow as pa

from orchestration.landing.damage import has_marks, reason_sql, shown_sql
from orchestration.landing.engine import connect, literal
from orchestration.landing.errors import UnreadableFileError
from orchestration.landing.header import HeaderLine, HeaderMap
from orchestration.landing.lines import LINES, line_batches
from orchestration.landing.reading import Reading, Target, column_list, copy_out, write_rejects
from orchestration.landing.text import PlainText
from orchestration.landing.values import look_at_values

SWALLOW_COLUMNS = 4
LONGEST_RECORD = 16 << 20  # bytes of a record of several lines
SLICE = 128 << 20  # bytes of such records joined at a time, which bounds memory

NUL = "NUL character"
UNTERMINATED = "unterminated quote: a field opens with a quote that does not close"
STRAY = "stray quote: a field with quotes must be quoted as a whole, and quotes inside it doubled"


def read_exactly(
    plain: PlainText, target: Target, delimiter: str, line: HeaderLine, header: HeaderMap, least: int | None = None
) -> Reading:
    """Read a CSV file into the target's two Parquet files; `check` of the result proves law 1 from the values
    written. With `least` a record may stop after so many fields, or go on with empty ones.
    """
    skip = line.blank_lines_before + line.lines
    with connect(target.work_dir, str(target.work_dir / "lines.duckdb")) as connection:
        grammar = Grammar(delimiter, len(line.fields), damaged=not plain.counts.is_utf8, least=least)
        load_lines(connection, line_batches(plain, skip), f"*, {_kind(grammar)} as kind")
        _join_pairs(connection, grammar)
        _choose_regions(connection, grammar)
        _make_units(connection, grammar)
        rejects = write_rejects(connection, target, _rejects_query(grammar))
        records = _write_records(connection, target, grammar, header, numbered=rejects > 0)
        reject_lines = _one(connection, f"select coalesce(sum(line_span), 0) from ({_rejects_query(grammar)})")
        blank = _one(
            connection,
            "select count(*) from lines where kind = 'blank' and segment not in (select segment from regions)",
        )
        return Reading(
            format="csv",
            columns=line.fields,
            records=records,
            rejects=rejects,
            encoding=plain.encoding,
            delimiter=delimiter,
            header_lines=line.lines,
            physical_lines=plain.counts.lines,
            record_line_breaks=look_at_values(connection, target, header).breaks,
            reject_lines=reject_lines,
            blank_lines=blank + line.blank_lines_before,
        )


def load_lines(connection: duckdb.DuckDBPyConnection, batches: Iterator[pa.RecordBatch], select: str = "*") -> None:
    """Make the table `lines` from a select list over the columns of `lines.LINES`, streaming.

    Raises `UnreadableFileError` where the stream comes upon what it cannot read.
    """
    faults: list[UnreadableFileError] = []

    def told() -> Iterator[pa.RecordBatch]:
        try:
            yield from batches
        except UnreadableFileError as fault:
            faults.append(fault)  # the engine would hand on only its text
            raise

    connection.register("line_stream", pa.RecordBatchReader.from_batches(LINES, told()))
    try:
        connection.execute(f"create table lines as select {select} from line_stream")
    except duckdb.Error:
        if faults:
            raise faults[0] from None
        raise
    connection.unregister("line_stream")


class Grammar:
    """SQL expressions over the text of a line or record, for one delimiter and number of fields; `damaged` where texts
    may hold bytes that are no UTF-8; `least` fields are enough where lines may be of unlike length.
    """

    def __init__(self, delimiter: str, fields: int, damaged: bool, least: int | None = None) -> None:
        self.delimiter, self.fields, self.damaged, self.least = literal(delimiter), fields, damaged, least
        self.blanks = literal("".join(c for c in " \t" if c != delimiter))
        d = re.escape(delimiter) if delimiter in r"\|^$.*+?()[]{}" else delimiter
        self.cell = rf'(?:"(?:[^"]|"")*"|[^"{re.escape(delimiter)}]*)'
        self.record = literal(rf"(?s){self.cell}(?:{d}{self.cell})*")
        self.open_record = literal(rf'(?s)(?:{self.cell}{d})*"(?:[^"]|"")*')
        self.cells = literal(rf"(?s)({self.cell}){d}")

    def strict(self, text: str) -> str:
        """Whether `text` is a record, of any number of fields."""
        return f"regexp_full_match({text}, {self.record})"

    def count(self, text: str) -> str:
        """Fields of a strict record: its delimiters outside quotes, plus one."""
        bare = f"""(case when contains({text}, '"') then regexp_replace({text}, '"[^"]*"', '', 'g') else {text} end)"""
        return f"(strlen({bare}) - strlen(replace({bare}, {self.delimiter}, '')) + 1)"

    def fits(self, text: str) -> str:
        """Whether a strict record has the fields of the header, or where that is allowed fewer of them, or empty ones
        besides them.
        """
        if self.least is None:
            return f"{self.count(text)} = {self.fields}"
        return (
            f"{self.count(text)} >= {self.least} and {self.count(f'rtrim({text}, {self.delimiter})')} <= {self.fields}"
        )

    def is_damaged(self, text: str) -> str:
        """Whether `text` holds bytes that are no UTF-8."""
        return has_marks(text) if self.damaged else "false"

    def split(self, text: str) -> str:
        """The raw fields of a strict record as a list."""
        return (
            f"(case when contains({text}, '\"') then regexp_extract_all({text} || {self.delimiter}, {self.cells}, 1) "
            f"else string_split({text}, {self.delimiter}) end)"
        )


def _value(field: str) -> str:
    """The value of a raw field: quotes undone, NULL for an empty one."""
    inner = f"""replace(substr({field}, 2, length({field}) - 2), '""', '"')"""
    return f"""nullif(case when starts_with({field}, '"') then {inner} else {field} end, '')"""


def _kind(grammar: Grammar) -> str:
    """What a line is when it stands alone: odd, blank, damaged, nul, stray (quote), record, uneven (a record all the
    same), or fields (a wrong number of them).
    """
    return f"""case
        when quotes % 2 = 1 then 'odd'
        when trim(body, {grammar.blanks}) = '' then 'blank'
        when {grammar.is_damaged("body")} then 'damaged'
        when contains(body, chr(0)) then 'nul'
        when quotes > 0 and not {grammar.strict("body")} then 'stray'
        when {grammar.count("body")} = {grammar.fields} then 'record'
        when {grammar.fits("body")} then 'uneven'
        else 'fields' end"""


def _join_pairs(connection: duckdb.DuckDBPyConnection, grammar: Grammar) -> None:
    """Table `pairs`: each pair of neighbouring odd lines that could be a record, joined, with what its text reads as.

    A segment is an odd line and the even ones after it; a pair is a segment and the first line of the next.
    """
    swallows = "bool_or(kind = 'record')" if grammar.fields >= SWALLOW_COLUMNS else "false"
    connection.execute(f"""
        create table spans as
        with segments as (
            select segment, min(n) as first_n, sum(strlen(body) + 2) as size, {swallows} as swallows,
                   min_by(strlen(body) + 2, n) as odd_size
            from lines where segment > 0 group by segment
        )
        select s.segment, s.first_n, t.first_n as last_n, s.size + t.odd_size as size
        from segments as s join segments as t on t.segment = s.segment + 1
        where not s.swallows and s.size + t.odd_size <= {LONGEST_RECORD}""")
    connection.execute(
        "create table pairs(segment bigint, first_n bigint, last_n bigint, text varchar, strict boolean, fits boolean)"
    )
    slices = connection.execute(f"""
        select min(segment), max(segment) from (
            select segment, (sum(size) over (order by segment) / {SLICE})::bigint as slice from spans
        ) group by slice order by 1""")
    for low, high in slices.fetchall():
        connection.execute(f"""
            insert into pairs
            with joined as (
                select p.segment, p.first_n, p.last_n,
                    string_agg(l.body || case
                        when l.n = p.last_n then '' when l.brk = 0 then chr(10)
                        when l.brk = 1 then chr(13) || chr(10) else chr(13) end, '' order by l.n) as text
                from (select *, segment as part from spans where segment between {low} and {high}
                      union all
                      select *, segment + 1 as part from spans where segment between {low} and {high}) as p
                join lines as l on l.segment = p.part and (p.part = p.segment or l.n = p.last_n)
                where l.segment between {low} and {high} + 1
                group by all)
            select *, {grammar.strict("text")} as strict, {grammar.fits("text")} as fits from joined""")


def _choose_regions(connection: duckdb.DuckDBPyConnection, grammar: Grammar) -> None:
    """Table `regions`: the pairs that stand as one unit, first those that read as a record, then, of odd lines still
    free, those whose quotes are in order but whose number of fields is not.
    """
    connection.execute("create table regions as select *, true as complete from pairs where false")
    for complete, wanted in ((True, "fits"), (False, "not fits")):
        connection.execute(f"""
            insert into regions
            with free as (
                select p.segment from pairs as p where strict and {wanted} and not exists (
                    select 1 from regions as r where r.segment between p.segment - 1 and p.segment + 1)
            ), runs as (select segment, segment - row_number() over (order by segment) as run from free
            ), placed as (select segment, row_number() over (partition by run order by segment) as place from runs)
            select p.*, {complete} from pairs as p join placed using (segment) where place % 2 = 1""")


def _make_units(connection: duckdb.DuckDBPyConnection, grammar: Grammar) -> None:
    """View `units`: every record and reject by its first line, numbered from 1 in the file's order.

    A scan of `lines` comes in the file's order; a join does not (the engine chooses which side streams), so where there
    are regions the units are sorted.
    """
    units = "select n, body as text, 1 as span, kind from lines where kind <> 'blank'"
    if _one(connection, "select count(*) from regions"):
        units = f"""
            select l.n, coalesce(r.text, l.body) as text, coalesce(r.last_n - r.first_n + 1, 1) as span, case
                when r.segment is null then l.kind
                when {grammar.is_damaged("r.text")} then 'damaged'
                when contains(r.text, chr(0)) then 'nul'
                when r.complete then 'region' else 'fields' end as kind
            from lines as l
            left join regions as r on r.segment = l.segment
            left join (select last_n from regions) as closing on closing.last_n = l.n
            where closing.last_n is null and case when r.segment is null then l.kind <> 'blank' else l.n = r.first_n end
            order by l.n"""
    connection.execute(f"create view units as select *, row_number() over () as row_number from ({units}) as ordered")


def _rejects_query(grammar: Grammar) -> str:
    expected = f"{grammar.fields} field{'s' if grammar.fields != 1 else ''} expected, "
    raw, damage = "text", ""
    if grammar.damaged:
        raw, damage = shown_sql("text"), f"when {has_marks('text')} then {reason_sql('text')}"
    return f"""
        select row_number, n as line_number, span as line_span, {raw} as raw, case {damage}
            when kind = 'nul' then {literal(NUL)}
            when kind = 'stray' then {literal(STRAY)}
            when kind = 'odd' then case when regexp_full_match(text, {grammar.open_record}) then {literal(UNTERMINATED)}
                                 else {literal(STRAY)} end
            else {literal(expected)} || {grammar.count("text")} || ' found' end as reason
        from units where kind not in ('record', 'uneven', 'region')"""


def _write_records(
    connection: duckdb.DuckDBPyConnection, target: Target, grammar: Grammar, header: HeaderMap, numbered: bool
) -> int:
    """Write `records.parquet` in the file's order; `_row_number` only where it differs from the position."""
    select = column_list(header, [_value(f"f[{i + 1}]") for i in range(grammar.fields)])
    number = ", row_number as _row_number" if numbered else ""
    query = f"""
        select {select}, {target.constants()}{number}
        from (select row_number, {grammar.split("text")} as f from units
              where kind in ('record', 'uneven', 'region')) as r"""
    return copy_out(connection, query, target.records)


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0
