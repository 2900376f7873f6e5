"""DuckDB's reader beside the exact one: it must say the same of every file that it is trusted with."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from orchestration.landing import csv_fast, csv_reader

from .conftest import HEADER, Inbox, order

Outcome = tuple[dict[str, Any], list[dict[str, Any]], list[tuple[Any, ...]]]
Judge = Callable[[bytes], tuple[str, Outcome]]
COUNTS = ("physical_lines", "header_lines", "record_count", "reject_count", "record_line_breaks", "reject_lines")


@pytest.fixture
def judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Judge:
    """Lands a file twice, the second time line by line; gives the name of the reader that had the first one's last
    word and what came of it, once both are the same.
    """
    used: list[str] = []

    def spy(owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def call(*args: Any, **options: Any) -> Any:
            used.append(name)
            return real(*args, **options)

        monkeypatch.setattr(owner, name, call)

    def outcome(inbox: Inbox) -> Outcome:
        inbox.land()
        manifest = inbox.manifest()
        return {key: manifest[key] for key in (*COUNTS, "blank_lines")}, inbox.records(), inbox.rejects()

    def land(content: bytes) -> tuple[str, Outcome]:
        first, second = Inbox(tmp_path / "first"), Inbox(tmp_path / "second")
        first.put(content)
        second.put(content)
        found = outcome(first)
        reader = used[-1]
        with monkeypatch.context() as patch:
            patch.setattr(csv_reader, "may_be_fast", lambda *given: False)
            assert outcome(second) == found
        return reader, found

    spy(csv_fast.FastReader, "clean")
    spy(csv_fast.FastReader, "around")
    spy(csv_reader, "read_exactly")
    return land


def text(*lines: str, end: str = "\n") -> bytes:
    return "".join(line + end for line in (HEADER, *lines)).encode()


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_bad_and_blank_lines_are_gone_around(judge: Judge, end: str, mark: str):
    lines = [order(1), "few", "", order(2), order(3) + ",many", "  ", order(4), "", "a,b,c", ""]
    reader, (counts, records, rejects) = judge(mark.encode() + text(*lines, end=end))
    assert reader == "around"
    assert [(row["order_id"], row["_row_number"]) for row in records] == [("O1", 1), ("O2", 3), ("O4", 5)]
    assert [reject[:2] for reject in rejects] == [(2, 3), (4, 6), (6, 10)]
    assert (counts["blank_lines"], counts["reject_lines"]) == (4, 3)


def test_blank_lines_alone_need_no_numbers(judge: Judge):
    reader, (counts, records, _) = judge(text(order(1), "", order(2), "", ""))
    assert (reader, counts["blank_lines"], counts["reject_count"]) == ("around", 3, 0)
    assert [row["_row_number"] for row in records] == [1, 2]


def test_clean_files_are_read_clean(judge: Judge):
    assert judge(text(order(1), order(2)))[0] == "clean"


def test_quotes_in_the_header_only(judge: Judge):
    header = ",".join(f'"{name}"' for name in HEADER.split(",")) + ',"a, b"\n'
    assert judge(header.encode() + f"{order(1)},x\nbad\n".encode())[0] == "around"


@pytest.mark.parametrize(
    "lines",
    [
        # Empty fields too many at a line's end, which DuckDB lets pass.
        [order(1) + ",", order(2)],
        [order(1) + ",,", "few"],
        [order(1, status='"a"') + ",", order(2)],
        [order(1, status='"a,b"'), order(2) + ","],
        [",,,,,,,", order(2)],
        # A line longer than DuckDB reads.
        [order(1, status="x" * 3_000_000), order(2), "few"],
    ],
)
def test_what_duckdb_misjudges_is_read_exactly(judge: Judge, lines: list[str]):
    assert judge(text(*lines))[0] == "read_exactly"


def test_delimiters_inside_quotes_are_told_from_those_too_many(judge: Judge):
    assert judge(text(order(1, status='"a,b"'), order(2)))[0] == "clean"


@pytest.mark.parametrize(
    ("status", "reader"),
    [
        ('"a ""b"" c"', "clean"),
        ('"two\nlines"', "clean"),
        ('"two\n\nparagraphs, ""quoted"" \n"', "clean"),
        ('"' + "a,b,c,d,e,f,g,h\n" * 2 + '"', "read_exactly"),  # may have swallowed good lines
        ('a "b" c', "read_exactly"),
        ('"a" "b"', "read_exactly"),
        ('"a"b"', "read_exactly"),
        (' "a"', "read_exactly"),
        ('"a" ', "read_exactly"),
        ('a"', "read_exactly"),
    ],
)
def test_quotes_and_line_breaks_inside_values(judge: Judge, status: str, reader: str):
    """Both readers say the same (`judge` compares); what is asked is whether the fast one dared."""
    assert judge(text(order(1), order(2, status=status), order(3)))[0] == reader


def test_faults_that_make_up_for_each_other(judge: Judge):
    """One delimiter too many and one too few: the sums are right, the lines are not."""
    few = order(2).rpartition(",")[0]
    assert judge(text(order(1) + ",x", few, order(3)))[0] == "around"


def test_too_many_bad_lines_are_read_exactly(judge: Judge, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("orchestration.landing.misfits.MOST_CELLS", 20)
    assert judge(text(order(1), *["bad"] * 3))[0] == "read_exactly"


@pytest.mark.parametrize(
    ("count", "share", "edges"), [(130_000, 0.0002, False), (20_000, 0.01, True), (5_000, 0.3, True)]
)
def test_numbers_over_many_buckets_and_row_groups(judge: Judge, count: int, share: float, edges: bool):
    random = Random(count)
    lines = [order(i) for i in range(count)]
    for i in range(len(lines)):
        if random.random() < share:
            lines[i] = random.choice(["", "x", " \t", lines[i] + ",y", "a,b"])
    if edges:
        lines[-3:] = ["x", "y", "z"]
        lines[:2] = ["x", "y"]
    reader, (counts, records, _) = judge(text(*lines))
    assert reader == "around"
    blank = 0
    numbers = {}
    for i, line in enumerate(lines):
        blank += not line.strip()
        numbers[f"O{i}"] = i + 1 - blank
    assert counts["blank_lines"] == blank
    assert all(row["_row_number"] == numbers[row["order_id"]] for row in records)
