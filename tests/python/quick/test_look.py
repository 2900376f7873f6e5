"""What is measured of a file: how its ids, amounts and times are written."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from orchestration.errors import UsageError
from orchestration.quick.look import Ids, Moments, Numbers, Table, shared_keys

TEXT = """\
\ufeff Id ;amount;when;amount;ccy
1;1.234,50;2026-03-01;x;eur
2;€10,00;01.03.2026 10:00;x;EUR

2;(3,1);13/3/2026;x;usd
;5-;2026/03/01;x;
5;abc;soon;x;\u00a0EUR
"""


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Table]:
    file = tmp_path / "a.csv"
    file.write_text(TEXT.replace("amount;when;amount", "amount;when;other"), encoding="utf-8")
    opened = Table("left", file, tmp_path / "work")
    yield opened
    opened.close()


def test_a_file_is_read_as_landing_reads_it(table: Table) -> None:
    assert (table.headers, table.delimiter, table.rows) == ((" Id ", "amount", "when", "other", "ccy"), ";", 5)
    assert table.ids(" Id ") == Ids(rows=5, filled=4, distinct=3)
    assert table.ids(" Id ", "amount") == Ids(rows=5, filled=4, distinct=4)
    assert table.codes("ccy") == ("EUR", "USD")


def test_amounts_show_their_marks(table: Table) -> None:
    assert table.numbers("amount") == Numbers(
        filled=5,
        readable=4,
        comma=3,
        has_comma=3,
        has_point=1,
        symbol=1,
        parentheses=1,
        trailing_minus=1,
        decimals=1,
    )


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("1,5", "comma"),
        ("0,125", "comma"),
        ("1234,567", "comma"),
        ("1.234.567", "comma"),
        ("1.234,567", "comma"),
        ("1.5", "point"),
        ("0.125", "point"),
        ("1,234,567", "point"),
        ("12,345.678", "point"),
        ("1,234", "either_comma"),
        ("1.234", "either_point"),
    ],
)
def test_what_a_mark_can_only_be(tmp_path: Path, text: str, mark: str) -> None:
    file = tmp_path / "a.csv"
    file.write_text(f"id;amount\n1;{text}\n")
    table = Table("left", file, tmp_path / "work")
    numbers = table.numbers("amount")
    assert [n for n in ("comma", "point", "either_comma", "either_point") if getattr(numbers, n)] == [mark]
    table.close()


def test_times_show_their_shapes(table: Table) -> None:
    assert table.moments("when") == Moments(
        filled=5, readable=4, with_clock=1, dotted=1, slashed=1, year_slashed=1, day_first=1, month_first=0
    )
    latest = table.latest("when", ("DD.MM.YYYY", "DD/MM/YYYY", "YYYY/MM/DD"), "Europe/Berlin")
    # Midnight of 13 March in Berlin.
    assert latest == 1_773_356_400_000_000


def test_a_column_that_stands_twice_does_not_hide_the_others(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(TEXT, encoding="utf-8")
    table = Table("left", file, tmp_path / "work")
    assert table.headers == (" Id ", "amount", "when", "amount", "ccy")
    assert table.ids("when").distinct == 5
    table.close()


def test_keys_of_unlike_files_are_counted_together(tmp_path: Path) -> None:
    duckdb.sql(f"copy (select unnest([1, 2, 3]) as nr, 's' as shop) to '{tmp_path / 'a.parquet'}' (format parquet)")
    (tmp_path / "b.jsonl").write_text(
        '{"shop": "s", "nr": 2}\n{"shop": "t", "nr": 3}\n{"shop": "s", "nr": 3, "x": 1}\n'
    )
    one = Table("left", tmp_path / "a.parquet", tmp_path / "one")
    other = Table("right", tmp_path / "b.jsonl", tmp_path / "other")
    assert shared_keys(one, ("nr",), other, ("nr",)) == 2
    assert shared_keys(one, ("shop", "nr"), other, ("shop", "nr")) == 2
    one.close()
    other.close()


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", b"", "an empty file"),
        ("a.csv", b"\n \n", "no header that can be read"),
        ("a.jsonl", b"[1, 2]\n", "no line that is a JSON object"),
        ("a.parquet", b"PAR1 and nothing", "a whole Parquet file"),
        ("a.csv", b"x,X\n1,2\n", "no column whose name stands there once"),
        ("a.csv.part", b"id\n1\n", "endings"),
        ("orders", b"id\n1\n", "endings"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError) as refused:
        Table("left", tmp_path / name, tmp_path / "work")
    assert told in str(refused.value)
