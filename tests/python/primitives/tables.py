"""The tables of inputs, and what Python says of them."""

# ruff: noqa: DTZ001 - a local time has no zone, that is what is tested

import hashlib
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from tests.python.oracle.text import BLANKS, ascii_lower, ascii_upper
from tests.python.primitives.engine import Row, Table
from tests.python.primitives.patterns import PATTERN_TABLES
from tests.python.primitives.zones import instant_of, local_of, local_times, microseconds

LARGEST = 999_999_999_999_999_999
TEXTS = (
    *(
        "",
        " ",
        "a",
        "A",
        "'",
        '"',
        "\\",
        "%",
        "_",
        "{{ x }}",
        "{% y %}",
        ",",
        ";",
        "\t",
        "\n",
        "a\nb",
        "a\r\nb",
        "\x1c",
        "\x7f",
    ),
    *(
        "ä",
        "a\u0308",
        "ß",
        "İ",
        "ſ",
        "漢字",
        "😀",
        "👨‍👩‍👧",
        "\u00a0",
        "\u200b",
        "\ufeff",
        "\u202e",
        "\x1e",
        "\x1f",
        "a\x1fb",
        "x" * 5000,
    ),
)


def _cases(inputs: Iterable[Any], answer: Any) -> list[tuple[Row, Row]]:
    """One input column, one expression."""
    return [((given,), (answer(given),)) for given in inputs]


def _trimmed() -> Table:
    texts: list[str | None] = [None, *TEXTS, "  a  b  ", "\u200b a \u200b", BLANKS, f"{BLANKS}a{BLANKS}b{BLANKS}"]
    for blank in BLANKS:
        texts += [blank, blank * 3, f"{blank}a", f"a{blank}", f"{blank}{blank}a{blank}b{blank}", f"{blank}ä😀{blank}"]
    # Blanks of other lists, which are none here.
    texts += [f"{other}a{other}" for other in "\x1c\x1d\x1e\x1f\x08\u180e\u200b\u200c\u2060"]
    return Table(
        "trim_blanks",
        {"given": "{{ type_text() }}"},
        ["{{ trim_blanks('given') }}"],
        _cases(texts, lambda text: None if text is None else text.strip(BLANKS)),
    )


def _cased() -> Table:
    texts: list[str | None] = [None, *TEXTS, *"ÄäΣς\u212aﬁẞ", "uſd", "PAİD", "paıd", "aßA", "[`{@"]
    texts += ["".join(map(chr, range(1, 128))), "abcXYZ" * 40, "abcXYZé" * 40]
    return Table(
        "ascii_case",
        {"given": "{{ type_text() }}"},
        ["{{ ascii_upper('given') }}", "{{ ascii_lower('given') }}"],
        [((text,), (text and ascii_upper(text), text and ascii_lower(text))) for text in texts],
    )


def _timestamp(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _timestamps() -> Table:
    days = [
        f"{year}-{month:02}-{day:02}"
        for year in (1900, 2000, 2023, 2024)
        for month in range(1, 13)
        for day in (1, 28, 29, 30, 31)
    ]
    texts = [f"{day} 10:11:12" for day in days]
    texts += [
        "0001-01-01 00:00:00",
        "9999-12-31 23:59:59.999999",
        "1582-10-04 00:00:00",
        "1582-10-10 00:00:00",
        "1969-12-31 23:59:59.999999",
    ]
    texts += [
        "2026-03-02T10:11:12",
        "2026-03-02 10:11",
        "2026-03-02T10:11",
        "2026-03-02 10:11:12.1",
        "2026-03-02 10:11:12.123456",
    ]
    return Table(
        "try_timestamp",
        {"given": "{{ type_text() }}"},
        ["{{ try_timestamp('given') }}"],
        _cases([None, *texts], lambda t: t and _timestamp(t)),
    )


def _plain_times() -> Table:
    """One character after the other of ordinary times made another one, and what engines read beyond the shape."""
    ordinary = ["2026-03-02 12:30:45", "2026-03-02T12:30:45Z", "2026-03-02T12:30:45.120Z", "2026-03-02 12:30:45.123456"]
    texts = [*ordinary, "infinity", "-infinity", "epoch", "now", "today", "10000-01-01 00:00:00", *TEXTS]
    texts += ["0001-01-01 (BC) 00:00:00", "-001-01-01T00:00:00Z", "+001-01-01T00:00:00Z", "2026-03-02 12:30:45+00"]
    texts += ["2026-03-02 24:00:00", "2026-03-02T24:00:00Z", "2026-03-02T23:59:60Z", "2026-03-02T12:30:45.1234567Z"]
    for text in ordinary:
        texts += [f"{day}{text[10:]}" for day in ("0000-01-01", "0001-01-01", "9999-12-31", "2026-02-29")]
        texts += [text[:at] + odd + text[at + 1 :] for at in range(len(text)) for odd in "09 -+:.TZ/a\té٣"]
        texts += [text[:at] + odd + text[at:] for at in range(len(text) + 1) for odd in " 0Z-"]
        texts += [text[:at] + text[at + 1 :] for at in range(len(text))]
    shape = r"(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?Z"

    def plain(text: str | None) -> Row:
        fits = [bool(text and re.fullmatch(pattern, text)) for pattern in (f"{shape}?", shape)]
        return (
            tuple(fit and _timestamp(f"{text[:10]} 00:00:00") is not None for fit in fits) if text else (False, False)
        )

    return Table(
        "plain_time",
        {"given": "{{ type_text() }}"},
        [
            f"coalesce({{{{ plain_time('given', try_timestamp('given'), {local}) }}}}, false)"
            " and {{ try_timestamp('given') }} is not null"
            for local in ("true", "false")
        ],
        [((text,), plain(text)) for text in [None, *texts]],
    )


# Nearly every value of a feed.
ORDINARY = ("a", "A-1", "~", "!", "S 1", "x" * 5000)


def _plain_texts() -> Table:
    """True only where trimming changes nothing."""
    ends = [*BLANKS, " \u0301", "\x1c", "\u200b", "\x7f", "ä", "a\u0301", "a\u200d", "~", "\r\n"]
    texts = [*TEXTS, *ORDINARY, *(f"{first}{last}" for first in ["a", "ä", "", *BLANKS] for last in ends)]
    harmless = "not {{ plain_text('given') }} or (given = {{ trim_blanks('given') }} and given <> '')"
    return Table(
        "plain_text",
        {"given": "{{ type_text() }}"},
        [harmless],
        _cases([None, *texts], lambda t: None if t is None else True),
    )


def _ordinary_texts() -> Table:
    made = ["{{ plain_text('given') }}"]
    return Table("ordinary_text", {"given": "{{ type_text() }}"}, made, _cases(ORDINARY, lambda _: True))


def _dates() -> Table:
    texts = [
        f"{year:04}-{month:02}-{day:02}"
        for year in (1, 1582, 1900, 2000, 2024, 9999)
        for month in (1, 2, 4, 10, 12)
        for day in (1, 28, 29, 30, 31)
    ]

    def day(text: str | None) -> date | None:
        moment = _timestamp(f"{text} 00:00:00") if text else None
        return moment.date() if moment else None

    return Table("try_date", {"given": "{{ type_text() }}"}, ["{{ try_date('given') }}"], _cases([None, *texts], day))


def _to_utc() -> Table:
    """The instant, and whether it leads back: that is how a local time that never occurs is known."""
    back = "{{ utc_to_local(local_to_utc('given', 'zone'), 'zone') }} = given"
    columns = {"given": "timestamp", "zone": "{{ type_text() }}"}
    cases: list[tuple[Row, Row]] = []
    for local, zone in local_times():
        instant = instant_of(local, zone)
        cases.append(((local, zone), (instant, instant is not None)))
    expressions = [f"case when {back} then {{{{ epoch_microseconds(local_to_utc('given', 'zone')) }}}} end", back]
    return Table("local_to_utc", columns, expressions, cases)


def _to_local() -> Table:
    instants = [(local - timedelta(hours=5), zone) for local, zone in local_times()][::3]
    return Table(
        "utc_to_local",
        {"given": "timestamp", "zone": "{{ type_text() }}"},
        ["{{ utc_to_local('given', 'zone') }}"],
        [((instant, zone), (local_of(instant, zone),)) for instant, zone in instants],
    )


def _epochs() -> Table:
    moments = [
        datetime(year, month, day, 23, 59, 59, 999999)
        for year in (1, 4, 99, 1000, 1582, 1752, 1899, 1900, 1969, 1970, 2000, 2038, 9999)
        for month, day in ((1, 1), (2, 28), (3, 1), (12, 31))
    ]
    moments += [
        datetime(1, 1, 1),
        datetime(1970, 1, 1),
        datetime(1969, 12, 31, 23, 59, 59, 999999),
        datetime(1970, 1, 1, 0, 0, 0, 1),
        datetime(2026, 3, 2, 10, 0, 0, 333333),
    ]
    return Table(
        "epoch_microseconds",
        {"given": "timestamp"},
        ["{{ epoch_microseconds('given') }}"],
        _cases([None, *moments], lambda m: m and microseconds(m)),
    )


def _moved() -> Table:
    start = datetime(2024, 2, 28, 23, 30, 0, 1)
    amounts = (None, 0, 1, -1, 59, 60, 1440, -1440, 525_600, 10_000_000, -10_000_000)
    return Table(
        "add_time",
        {"given": "timestamp", "amount": "bigint"},
        ["{{ add_time('given', 'amount', 'minute') }}", "{{ add_time('given', 'amount', 'second') }}"],
        [
            ((start, n), (None, None) if n is None else (start + timedelta(minutes=n), start + timedelta(seconds=n)))
            for n in amounts
        ],
    )


def _divided() -> Table:
    pairs = [(n, d) for n in (0, 1, 6, 7, 8, 900_000_000, LARGEST, 2**63 - 1) for d in (1, 2, 7, 900_000_000, 10**18)]
    signed = [(sn * n, sd * d) for n, d in pairs for sn in (1, -1) for sd in (1, -1)]
    cases: list[tuple[Row, Row]] = [((n, d), (_cut(n, d),)) for n, d in signed]
    cases += [((None, 2), (None,)), ((2, None), (None,))]
    return Table(
        "integer_divide", {"given": "bigint", "divisor": "bigint"}, ["{{ integer_divide('given', 'divisor') }}"], cases
    )


def _cut(dividend: int, divisor: int) -> int:
    """A quotient without what is left over, towards zero."""
    return abs(dividend) // abs(divisor) * (1 if (dividend < 0) == (divisor < 0) else -1)


def _divided_wide() -> Table:
    """Sums and products that no bigint holds; only the quotient must be one."""
    pairs = [
        (7, 2),
        (10**25, 10**20),
        (10**25 + 10**20 - 1, 10**20),
        ((2**63 - 1) * 10**6, 2**63 - 1),
        (10**37, 10**20),
    ]
    cases: list[tuple[Row, Row]] = [
        ((sn * n, sd * d), (_cut(sn * n, sd * d),)) for n, d in pairs for sn in (1, -1) for sd in (1, -1)
    ]
    cases += [((None, 2), (None,)), ((10**25, None), (None,))]
    expression = "{{ integer_divide('given', 'divisor') }}"
    return Table("integer_divide_wide", {"given": "decimal(38, 0)", "divisor": "decimal(38, 0)"}, [expression], cases)


def _divided_sums() -> Table:
    """A sum as a mart divides it: each engine gives it a type of its own."""
    pairs = [(n, d) for n in (0, 7, -7, 2**63 - 1, -(2**63 - 1)) for d in (2, -2, 10**6, 10**12, 2**63 - 1)]
    cases: list[tuple[Row, Row]] = [
        ((n, d), (_cut(n * 10**6, d),)) for n, d in pairs if abs(_cut(n * 10**6, d)) < 2**63
    ]
    expression = "{{ integer_divide('sum(given) over (partition by id) * 1000000', 'divisor') }}"
    return Table("integer_divide_sums", {"given": "bigint", "divisor": "bigint"}, [expression], cases)


def _joined(values: Sequence[object]) -> str:
    return "\x1f".join("\x1e" if value is None else str(value) for value in values)


def _hashed() -> Table:
    """Joined and hashed; neighbours do not run together, and null is not ''."""
    rows: list[tuple[str | None, str | None, int | None, date | None]] = [
        (None, None, None, None),
        ("", "", 0, date(1, 1, 1)),
    ]
    rows += [(text, None, -LARGEST, date(9999, 12, 31)) for text in TEXTS]
    rows += [(None, text, 2**63 - 1, date(2024, 2, 29)) for text in TEXTS]
    rows += [
        ("ab", "c", 1, None),
        ("a", "bc", 1, None),
        ("abc", "", 1, None),
        ("", "abc", 1, None),
        (None, "abc", 1, None),
    ]
    joined = "joined_text(['one', 'two', 'number', 'day'])"
    return Table(
        "hash_60",
        {"one": "{{ type_text() }}", "two": "{{ type_text() }}", "number": "bigint", "day": "date"},
        [f"{{{{ {joined} }}}}", f"{{{{ hash_60({joined}) }}}}", "{{ hash_60('one') }}", "{{ joined_text(['one']) }}"],
        [
            (
                row,
                (
                    _joined(row),
                    int(hashlib.md5(_joined(row).encode()).hexdigest()[:15], 16),
                    None if row[0] is None else int(hashlib.md5(row[0].encode()).hexdigest()[:15], 16),
                    _joined(row[:1]),
                ),
            )
            for row in rows
        ],
    )


def _stripped() -> Table:
    texts = (
        "",
        "0",
        "000",
        "10",
        "01",
        "0100",
        "1001",
        "0.10",
        "00a00",
        " 0",
        "0 ",
        "٠0",
        "-00",
        "0" * 500 + "1" + "0" * 500,
    )
    return Table(
        "strip_zeros",
        {"given": "{{ type_text() }}"},
        ["{{ strip_zeros('given', 'left') }}", "{{ strip_zeros('given', 'right') }}"],
        [((None,), (None, None)), *(((text,), (text.lstrip("0"), text.rstrip("0"))) for text in texts)],
    )


def _written() -> Table:
    def text(minor: int, exponent: int) -> str:
        digits = str(abs(minor)).rjust(exponent + 1, "0")
        whole, fraction = digits[: len(digits) - exponent], digits[len(digits) - exponent :]
        return ("-" if minor < 0 else "") + whole + (f".{fraction}" if exponent else "")

    minors = (0, 1, -1, 5, 9, 10, 99, -99, 100, 101, 999, 1000, -1000, 12345, -12345, 10**17, LARGEST, -LARGEST)
    cases: list[tuple[Row, Row]] = [((m, e), (text(m, e),)) for m in minors for e in (0, 2, 3, 4)]
    cases += [((None, 2), (None,)), ((100, None), (None,))]
    return Table(
        "minor_text", {"minor": "bigint", "exponent": "integer"}, ["{{ minor_text('minor', 'exponent') }}"], cases
    )


PATTERNS = (
    r"[+-]?[0-9]+(\.[0-9]+)?",
    r"[+-]?([0-9]+|[0-9]{1,3}('[0-9]{3})+)(,[0-9]+)?",
    (
        r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[T ]"
        r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?"
        r"(Z|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)?"
    ),
    "[!-~]([ -~]*[!-~])?",
    "a|bc",
    r"[^\s\S]",
)


def _matched() -> Table:
    amounts = (
        "0",
        "+1",
        "-1.50",
        "1.",
        ".1",
        "1e5",
        "--1",
        "1\n",
        "\n1",
        "1\n2",
        " 1",
        "1 ",
        "１",
        "٣",
        "1'234,50",
        "12'34",
        "1'234'567",
        "1'2345",
    )
    times = (
        "2026-03-02T10:00",
        "2026-03-02 10:00:00.123456789Z",
        "2026-03-02T24:00",
        "2026-13-01T10:00",
        "2026-03-02T10:00:00+0530",
        "2026-03-02T10:00:00+15",
        "2026-03-02T10:00Z\n",
        "２026-03-02T10:00",
    )
    others = ("ab", "bc", "abc", "xa", "ax", "bc\n", "Ab", "A b", "a\tb", "~", "\x7f", "!", "ä", "é!", "a é b")

    def fits(text: str | None) -> Row:
        # Python's own `\d` and `\s` know more of Unicode; these patterns name their characters.
        return tuple(None if text is None else bool(re.fullmatch(pattern, text)) for pattern in PATTERNS)

    quoted = [pattern.replace("\\", "\\\\").replace('"', '\\"') for pattern in PATTERNS]
    return Table(
        "matches",
        {"given": "{{ type_text() }}"},
        [f"{{{{ matches('given', \"{pattern}\") }}}}" for pattern in quoted],
        [((text,), fits(text)) for text in (None, *TEXTS, *amounts, *times, *others)],
    )


def _split() -> Table:
    texts = ("a", "a,b", "A_B,C_D,E_F", " a , b ", "ä,😀", "a\nb,c", "a,a", "'", "a;b")
    cases: list[tuple[Row, Any]] = [((text,), [(part,) for part in text.split(",")]) for text in texts]
    cases.append(((None,), []))
    return Table("split_rows", {"given": "{{ type_text() }}"}, ["{{ split_rows('given') }}"], cases)


def _replaced() -> Table:
    """Patterns as staging uses them: at the start or the end."""
    patterns = (
        (r"^\(([^()]+)\)$", r"-\1"),
        (r"^([+-]?)([0-9]+)$", r"\1000\2"),
        (r"([0-9]{2})$", r".\1"),
        (r"^([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})([T ]|$)", r"\3-0\1-0\2\4"),
        ("^([+-]?)[$£€¥]", r"\1"),
    )
    texts = (
        *TEXTS,
        "(1.00)",
        "(1)(2)",
        "((1))",
        "(a\nb)",
        "12",
        "-12",
        "+0",
        "-$1",
        "¥5",
        "€€1",
        "1/2/2026",
        "12/31/2026 1:00",
    )

    def replaced(text: str | None, pattern: str, replacement: str) -> str | None:
        # Python's `$` is also before a line feed at the end, and its `\10` a group of its own.
        groups = re.sub(r"\\([1-9])", r"\\g<\1>", replacement)
        return None if text is None else re.sub(re.sub(r"\$(?=\)?\Z)", r"\\Z", pattern), groups, text, count=1)

    def quoted(text: str) -> str:
        return text.replace("\\", "\\\\")

    return Table(
        "replace_pattern",
        {"given": "{{ type_text() }}"},
        [f"{{{{ replace_pattern('given', '{quoted(p)}', '{quoted(r)}') }}}}" for p, r in patterns],
        [((text,), tuple(replaced(text, p, r) for p, r in patterns)) for text in (None, *texts)],
    )


def _filled() -> Table:
    """Rows in the order of `number`, within a group; the expected value is worked out row by row."""
    rows = (
        *((1, "a", None), (2, "a", "x"), (3, "b", None), (4, "a", None), (5, "a", "y"), (6, "b", "z"), (7, "a", None)),
        *(
            (8, None, "n"),
            (9, "b", None),
            (10, None, None),
            (11, "b", ""),
            (12, "b", None),
            (100, "a", None),
            (99, "a", "9"),
        ),
    )
    last: dict[str | None, str | None] = {}
    answers = {}
    for number, group, value in sorted(rows, key=lambda row: row[0]):
        last[group] = value if value is not None else last.get(group)
        answers[number] = last[group]
    return Table(
        "last_above",
        {"number": "bigint", "grouped": "{{ type_text() }}", "given": "{{ type_text() }}"},
        ["{{ last_above('given', ['grouped'], 'number') }}"],
        [(row, (answers[row[0]],)) for row in rows],
    )


def _constants() -> Table:
    """Constants and types, which need no input."""
    moment = datetime(2026, 3, 2, 10, 11, 12, 123456)
    return Table(
        "constants",
        {"given": "integer"},
        [
            "{{ timestamp_literal('2026-03-02 10:11:12.123456') }}",
            '{{ text_literal("it\'s") }}',
            "{{ text_literal(none) }}",
            "cast(cast('12345678901234567890123456789.123456789' as {{ type_decimal(38, 9) }}) as {{ type_text() }})",
            "cast(cast('0.25' as {{ type_decimal(18, 9) }}) as {{ type_text() }})",
        ],
        [((1,), (moment, "it's", None, "12345678901234567890123456789.123456789", "0.250000000"))],
    )


TABLES = (
    _trimmed(),
    _cased(),
    _timestamps(),
    _plain_times(),
    _plain_texts(),
    _ordinary_texts(),
    _dates(),
    _to_utc(),
    _to_local(),
    _epochs(),
    _moved(),
    _divided(),
    _divided_wide(),
    _divided_sums(),
    _hashed(),
    _stripped(),
    _written(),
    _matched(),
    _split(),
    _replaced(),
    _filled(),
    _constants(),
    *PATTERN_TABLES,
)
