"""What is to be known of a file before anything is guessed: its columns, and what stands in them. The file is read by
landing's own readers, so that what is measured is what will land."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import duckdb

from orchestration.errors import UsageError
from orchestration.landing.engine import connect
from orchestration.landing.errors import UnreadableFileError
from orchestration.landing.feeds import DEFAULT_DELIMITERS, Column, Feed
from orchestration.landing.files import FORMATS, file_format, is_ignored
from orchestration.landing.header import BLANKS, normalise, split_header
from orchestration.landing.inbox import read_delivery
from orchestration.landing.reading import Target
from orchestration.landing.text import PlainText, RawFile, read_raw, to_utf8
from orchestration.warehouse import literal, quoted

# Codes of a currency column are listed up to this number: no file has more.
MOST_CODES = 300
ENCODINGS = ("utf-8", "cp1252")


@dataclass(frozen=True)
class Ids:
    """Of one or more columns together: records, those with a value in each, and how many different ones."""

    rows: int
    filled: int
    distinct: int

    @property
    def is_unique(self) -> bool:
        return self.rows == self.filled == self.distinct


@dataclass(frozen=True)
class Numbers:
    """How the texts of a column are written as amounts. `comma` and `point` count texts in which that mark can only be
    the decimal one, `either` those that could be read both ways."""

    filled: int
    readable: int
    comma: int = 0
    point: int = 0
    either_comma: int = 0
    either_point: int = 0
    has_comma: int = 0
    has_point: int = 0
    symbol: int = 0
    parentheses: int = 0
    trailing_minus: int = 0
    unicode_minus: int = 0
    decimals: int = 0


@dataclass(frozen=True)
class Moments:
    """How the texts of a column are written as times. `day_first` and `month_first` count dates with slashes that can
    only be read that way."""

    filled: int
    readable: int
    with_clock: int = 0
    dotted: int = 0
    slashed: int = 0
    year_slashed: int = 0
    day_first: int = 0
    month_first: int = 0


class Look(Protocol):
    """What guesses are made from; `header` is a column's name as the file has it."""

    label: str
    name: str
    headers: tuple[str, ...]
    is_typed: bool

    def ids(self, *headers: str) -> Ids: ...
    def numbers(self, header: str) -> Numbers: ...
    def moments(self, header: str) -> Moments: ...
    def codes(self, header: str) -> tuple[str, ...]: ...


class Table:
    """A file as landing reads it: every column text, in a DuckDB that only measures."""

    def __init__(self, label: str, path: Path, work_dir: Path) -> None:
        self.label, self.path, self.name = label, path, path.name
        form = check_file(label, path)
        work_dir.mkdir(parents=True)
        try:
            raw = read_raw(path, work_dir, lambda further: None)
            first, self.delimiter = _first_header(raw, form, work_dir)
            feed = Feed(
                system=label,
                name="records",
                columns=(Column(name="first_column", aliases=(first,)),),
                declared_in="the command line",
                delimiters=(self.delimiter,) if self.delimiter else DEFAULT_DELIMITERS,
                encodings=ENCODINGS,
            )
            target = Target(work_dir, label, feed.key, "x", path.name, "2000-01-01T00:00:00")
            reading = read_delivery(raw, form, feed, target, work_dir)
            reading.check()
        except UnreadableFileError as error:
            raise UsageError(
                f"--{label} {path} cannot be read. Found: {error.found}. Expected: {error.expected}."
            ) from error
        self.sha256, self.bytes = raw.sha256, raw.size
        self.headers = tuple(reading.columns)
        self.is_typed = form != "csv"
        self.form, self.rows, self.rejects = form, reading.records, reading.rejects
        self._connection = connect(work_dir)
        self._connection.execute("set TimeZone = 'UTC'")
        self._relation = f"read_parquet({literal(str(target.records))})"
        described = self._connection.execute(f"describe select * from {self._relation}").fetchall()
        # The declared column stands first, the others follow in the order of the header.
        order = [
            self.headers.index(first),
            *(i for i, name in enumerate(self.headers) if i != self.headers.index(first)),
        ]
        self._columns = {self.headers[place]: row[0] for place, row in zip(order, described, strict=False)}

    def close(self) -> None:
        self._connection.close()

    def text(self, header: str) -> str:
        """A column's values without blanks around them, null for nothing: what staging makes of them."""
        return f"nullif(trim({quoted(self._columns[header])}, {literal(BLANKS)}), '')"

    def key(self, headers: tuple[str, ...]) -> str:
        """Several columns as one value, null where one is."""
        parts = [f"replace({self.text(header)}, '|', '||')" for header in headers]
        return "(" + " || ' | ' || ".join(parts) + ")"

    def keys_relation(self, headers: tuple[str, ...]) -> str:
        return f"(select distinct {self.key(headers)} as k from {self._relation})"

    def ids(self, *headers: str) -> Ids:
        key = self.key(headers)
        return Ids(*self._row(f"select count(*), count({key}), count(distinct {key}) from {self._relation}"))

    def codes(self, header: str) -> tuple[str, ...]:
        query = f"select distinct upper({self.text(header)}) as code from {self._relation} where code is not null"
        return tuple(sorted(row[0] for row in self._connection.execute(f"{query} limit {MOST_CODES}").fetchall()))

    def numbers(self, header: str) -> Numbers:
        body = r"'^[(]?[+\-−]?[$£€¥]?[+\-−]?[0-9]+([.,][0-9]+)*[)]?-?$'"
        text = self.text(header)
        patterns = {
            # Behind the mark one or two digits, or more than three; groups of three before it; no group before three.
            "comma": r"^[0-9]*,([0-9]{1,2}|[0-9]{4,})$|^[0-9]{1,3}([.][0-9]{3})+,[0-9]+$"
            r"|^([0-9]{4,}|0[0-9]*),[0-9]{3}$|^[0-9]{1,3}([.][0-9]{3}){2,}$",
            "point": r"^[0-9]*[.]([0-9]{1,2}|[0-9]{4,})$|^[0-9]{1,3}(,[0-9]{3})+[.][0-9]+$"
            r"|^([0-9]{4,}|0[0-9]*)[.][0-9]{3}$|^[0-9]{1,3}(,[0-9]{3}){2,}$",
            "either_comma": r"^[1-9][0-9]{0,2},[0-9]{3}$",
            "either_point": r"^[1-9][0-9]{0,2}[.][0-9]{3}$",
            "has_comma": ",",
            "has_point": "[.]",
        }
        counted = [f"count(*) filter (regexp_matches(digits, {literal(p)}))" for p in patterns.values()]
        decorated = [
            "count(*) filter (regexp_matches(text, '[$£€¥]'))",
            "count(*) filter (starts_with(text, '('))",
            "count(*) filter (ends_with(text, '-'))",
            "count(*) filter (contains(text, '−'))",
        ]
        decimals = r"max(length(rtrim(regexp_extract(digits, '[.,]([0-9]+)$', 1), '0')))"
        row = self._row(
            f"with texts as (select {text} as text from {self._relation}),"
            f" shaped as (select text, regexp_matches(text, {body}) as is_number,"
            f" case when regexp_matches(text, {body}) then regexp_replace(text, '[^0-9.,]', '', 'g') end as digits"
            f" from texts where text is not null)"
            f" select count(*), count(*) filter (is_number), {', '.join([*counted, *decorated])},"
            f" coalesce({decimals}, 0) from shaped"
        )
        return Numbers(*row)

    def moments(self, header: str) -> Moments:
        clock = r"[T ][0-9]{1,2}:[0-9]{2}.*"
        iso, dotted = r"[0-9]{4}-[0-9]{2}-[0-9]{2}", r"[0-9]{1,2}[.][0-9]{1,2}[.][0-9]{4}"
        slashed, year_slashed = r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}", r"[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}"

        def count(pattern: str) -> str:
            return f"count(*) filter (regexp_full_match(text, {literal(pattern)}))"

        dates = f"({iso}|{dotted}|{slashed}|{year_slashed})"
        first = r"try_cast(regexp_extract(text, '^([0-9]{1,2})/', 1) as integer)"
        second = r"try_cast(regexp_extract(text, '^[0-9]{1,2}/([0-9]{1,2})/', 1) as integer)"
        return Moments(
            *self._row(
                f"with texts as (select {self.text(header)} as text from {self._relation})"
                f" select count(text), {count(f'{dates}({clock})?')}, {count(f'{dates}{clock}')},"
                f" {count(f'{dotted}({clock})?')}, {count(f'{slashed}({clock})?')},"
                f" {count(f'{year_slashed}({clock})?')},"
                f" count(*) filter ({first} > 12), count(*) filter ({second} > 12) from texts"
            )
        )

    def latest(self, header: str, shapes: tuple[str, ...], time_zone: str) -> Any:
        """The latest time of a column as UTC, as far as it can be read; none where nothing can."""
        text = self.text(header)
        turned = {
            "DD.MM.YYYY": (r"^([0-9]{1,2})[.]([0-9]{1,2})[.]([0-9]{4})", r"\3-\2-\1"),
            "DD/MM/YYYY": (r"^([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})", r"\3-\2-\1"),
            "MM/DD/YYYY": (r"^([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})", r"\3-\1-\2"),
            "YYYY/MM/DD": (r"^([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})", r"\1-\2-\3"),
        }
        for shape in shapes:
            if shape in turned:
                text = f"regexp_replace({text}, {literal(turned[shape][0])}, {literal(turned[shape][1])})"
        self._connection.execute(f"set TimeZone = {literal(time_zone)}")
        try:
            return self._row(f"select epoch_us(max(try_cast({text} as timestamptz))) from {self._relation}")[0]
        finally:
            self._connection.execute("set TimeZone = 'UTC'")

    @cached_property
    def description(self) -> dict[str, Any]:
        """What a record keeps of the file."""
        return {"path": str(self.path.resolve()), "sha256": self.sha256, "bytes": self.bytes, "rows": self.rows}

    def _row(self, query: str) -> tuple[Any, ...]:
        row = self._connection.execute(query).fetchone()
        assert row is not None
        return row


def shared_keys(left: Table, left_headers: tuple[str, ...], right: Table, right_headers: tuple[str, ...]) -> int:
    """How many different keys both files have."""
    row = left._row(
        f"select count(*) from {left.keys_relation(left_headers)} as l"
        f" inner join {right.keys_relation(right_headers)} as r on l.k = r.k"
    )
    return int(row[0])


def check_file(label: str, path: Path) -> str:
    """A file's format by its name.

    Raises:
        UsageError: there is no such file, or landing would not take it.
    """
    if not path.exists():
        raise UsageError(f"--{label} {path}: there is no such file.")
    if not path.is_file():
        raise UsageError(f"--{label} {path} is no regular file; copy what it gives into one.")
    form = file_format(path.name)
    if form is None or is_ignored(path.name):
        raise UsageError(
            f"--{label} {path}: the name tells how a file is read. Give it one of the endings"
            f" {', '.join(FORMATS)}, text also with .gz after it, and no dot in front."
        )
    return form


def _first_header(raw: RawFile, form: str, work_dir: Path) -> tuple[str, str | None]:
    """A column that landing can know the file by: the first whose name stands there once. Of CSV also the delimiter
    under which the header has most fields."""
    if form == "parquet":
        try:
            described = duckdb.sql(f"describe select * from read_parquet({literal(str(raw.path))})").fetchall()
        except duckdb.Error as error:
            raise UnreadableFileError(str(error).splitlines()[0], "a whole Parquet file") from error
        return _once([row[0] for row in described]), None
    plain = to_utf8(raw, ENCODINGS, work_dir, "the command line")
    if form == "jsonl":
        return _once(_first_keys(plain)), None
    head = plain.head.decode("utf-8", errors="replace")
    found = [(split_header(head, delimiter), delimiter) for delimiter in DEFAULT_DELIMITERS]
    lines = [(line.fields, delimiter) for line, delimiter in found if line is not None]
    if not lines:
        raise UnreadableFileError("no header that can be read", "the names of the columns in the first line")
    fields, delimiter = max(lines, key=lambda entry: len(entry[0]))
    return _once(list(fields)), delimiter


def _first_keys(plain: PlainText) -> list[str]:
    """The keys of the first line that is a JSON object."""
    for line in plain.head.decode("utf-8", errors="replace").splitlines():
        try:
            content = json.loads(line)
        except ValueError:
            continue
        if isinstance(content, dict) and content:
            return list(content)
    raise UnreadableFileError("no line that is a JSON object with a key", "one JSON object a line")


def _once(headers: list[str]) -> str:
    names = [normalise(header) for header in headers]
    for header, name in zip(headers, names, strict=True):
        if name and names.count(name) == 1 and "\ufffd" not in header:
            return header
    raise UnreadableFileError(
        f"no column whose name stands there once ({', '.join(headers)})", "a header with the names of the columns"
    )
