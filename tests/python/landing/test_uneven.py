"""Tables that are not quite tables: a preamble before the header, lines that stop early or go on with empty fields."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from orchestration.landing import FeedDeclarationError, csv_reader, load_feeds

from .conftest import HEADER, Inbox, order

Land = Callable[..., Inbox]
COUNTS = ("physical_lines", "header_lines", "record_count", "record_line_breaks", "reject_lines", "blank_lines")


@pytest.fixture
def land(inbox: Inbox, feeds: dict[str, Any]) -> Land:
    """Lands one file of pos/orders under further keys of the feed."""

    def one(content: bytes | str, name: str = "orders.csv", **keys: Any) -> Inbox:
        inbox.put(content, name)
        inbox.land(feeds={"pos/orders": replace(feeds["pos/orders"], **keys)})
        return inbox

    return one


def counts(inbox: Inbox) -> tuple[int, ...]:
    return tuple(inbox.manifest()[name] for name in COUNTS)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_lines_before_the_header_are_a_preamble(land: Land, end: str, mark: str):
    preamble = ["Orders of 31 January", "", 'Said "all', "order_id,store_id,status"]
    inbox = land(mark + end.join([*preamble, HEADER, order(1), "few", order(2)]), header_within=5)
    assert [(row["order_id"], row["_row_number"]) for row in inbox.records()] == [("O1", 1), ("O2", 3)]
    assert inbox.rejects() == [(2, 7, 1, "7 fields expected, 1 found", "few")]
    assert counts(inbox) == (8, 4, 2, 0, 1, 1)


def test_a_preamble_keeps_quoted_line_ends_in_their_place(land: Land):
    text = "\n".join(["top", "", HEADER, order(1, status='"a\nb"'), "", 'x"y', order(2)]) + "\n"
    inbox = land(text, header_within=3)
    assert [row["status"] for row in inbox.records()] == ["a\nb", "PAID"]
    assert [reject[:3] for reject in inbox.rejects()] == [(2, 7, 1)]
    assert counts(inbox) == (8, 2, 2, 1, 1, 2)


def test_a_header_on_the_first_line_is_one_all_the_same(land: Land):
    inbox = land(f"{HEADER}\n{HEADER}\n{order(1)}\n", header_within=5)
    assert [row["order_id"] for row in inbox.records()] == ["order_id", "O1"]
    assert counts(inbox) == (3, 1, 2, 0, 0, 0)


def test_a_header_further_down_than_that_is_none(land: Land):
    assert "on line 4, below 3 lines" in land(f"a\nb\nc\n{HEADER}\n{order(1)}\n", header_within=3).reason()


def test_without_the_key_only_the_first_line_counts(land: Land):
    assert "on line 2, below one line" in land(f"Orders\n{HEADER}\n{order(1)}\n").reason()


def test_the_delimiter_is_that_of_the_header_and_not_of_the_preamble(land: Land):
    text = f"a,b,c,d,e,f,g,h,i,j\n{HEADER.replace(',', ';')}\n{order(1).replace(',', ';')}\n"
    inbox = land(text, header_within=2)
    assert inbox.manifest()["delimiter"] == ";"
    assert inbox.records()[0]["order_id"] == "O1"


def test_a_file_of_a_preamble_alone_is_refused(land: Land):
    assert "no column for" in land("Orders\n\nNone today\n", header_within=9).reason()


def test_a_preamble_in_another_encoding(land: Land):
    inbox = land(f"Überblick\n{HEADER}\n{order(1, status='für')}\n".encode("utf-16"), header_within=2)
    assert inbox.records()[0]["status"] == "für"
    assert counts(inbox) == (3, 2, 1, 0, 0, 0)


def spread(number: int, **values: str) -> str:
    return order(number, **values).replace(",", "\t")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", ["", "\n"])
def test_lines_may_stop_early_or_go_on_with_nothing(land: Land, end: str, last: str):
    header = HEADER.replace(",", "\t") + "\tdescription\tnote"
    lines = [header, spread(1), spread(2) + "\ta", spread(3) + "\ta\tb\t\t\t", spread(4) + "\ta\tb\tc", "O5\tS1", ""]
    inbox = land(end.join([*lines, spread(6) + "\t\t"]) + last.replace("\n", end), ragged_ends=True)
    assert [(row["_row_number"], row["order_id"], row["description"], row["note"]) for row in inbox.records()] == [
        (1, "O1", None, None),
        (2, "O2", "a", None),
        (3, "O3", "a", "b"),
        (6, "O6", None, None),
    ]
    assert [reject[:4] for reject in inbox.rejects()] == [
        (4, 5, 1, "9 fields expected, 10 found"),
        (5, 6, 1, "9 fields expected, 2 found"),
    ]
    assert counts(inbox) == (8, 1, 4, 0, 2, 1)


def test_without_the_key_uneven_lines_are_rejects(land: Land):
    inbox = land(f"{HEADER},note\n{order(1)}\n{order(2)},\n")
    assert [row["order_id"] for row in inbox.records()] == ["O2"]


def test_uneven_lines_beside_quotes(land: Land):
    lines = [f"{HEADER},description,note", order(1, status='"a\n,b\n"'), order(2) + ',"x",,,', order(3), 'O4,"S']
    inbox = land("\n".join(lines) + "\n", ragged_ends=True)
    assert [(row["order_id"], row["status"], row["description"]) for row in inbox.records()] == [
        ("O1", "a\n,b\n", None),
        ("O2", "PAID", "x"),
        ("O3", "PAID", None),
    ]
    assert counts(inbox) == (7, 1, 3, 2, 1, 0)


def test_damaged_uneven_lines_are_read_one_by_one(land: Land):
    text = f"{HEADER},note\né{order(1)}\n".encode() + b"\xff" + f"{order(2)}\n{order(3)},\n".encode()
    inbox = land(text, ragged_ends=True)
    assert [row["order_id"] for row in inbox.records()] == ["éO1", "O3"]
    assert len(inbox.rejects()) == 1


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("block", [64, 1 << 20])
def test_quotes_that_close_on_their_line_are_no_hindrance(
    land: Land, monkeypatch: pytest.MonkeyPatch, end: str, block: int
):
    """As Chase writes its activity: an empty field too many beside quoted texts. The engine reads it, line by line
    nothing has to be read."""
    monkeypatch.setattr("orchestration.landing.reshape.BLOCK", block)
    monkeypatch.setattr(csv_reader, "read_exactly", lambda *given: pytest.fail("read line by line"))
    lines = [
        f"{HEADER},description,note",
        order(1, status='"PAID, in full"') + ',"a, ""b"",",,,',
        order(2),
        order(3) + ',"",',
        order(4) + ',plain,"last,"',
    ]
    inbox = land(end.join(lines) + end, ragged_ends=True)
    assert [(row["status"], row["description"], row["note"]) for row in inbox.records()] == [
        ("PAID, in full", 'a, "b",', None),
        ("PAID", None, None),
        ("PAID", None, None),
        ("PAID", "plain", "last,"),
    ]
    assert counts(inbox) == (5, 1, 4, 0, 0, 0)


# Statuses that lines are made with: plain, quoted, and some that spoil the file for the engine.
HARMLESS = ["PAID", '"PAID"', '"PA,ID"', '"say ""PAID"",,"', '""']
STATUSES = [[HARMLESS[0]], HARMLESS, [*HARMLESS, 'PA"ID', '5" x 3"', '"PA\nID"', '"PAID']]


@pytest.mark.parametrize("statuses", STATUSES)
@pytest.mark.parametrize("seed", range(12))
def test_the_fast_way_says_the_same_as_line_by_line(
    inbox: Inbox,
    land: Land,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,
    feeds: dict[str, Any],
    seed: int,
    statuses: list[str],
):
    """A few hundred lines of every length, over block ends, below a preamble."""
    random = Random(seed)
    # What is no record sends a file with quotes to the exact reader as a whole.
    hostile = statuses != HARMLESS or random.random() < 0.3
    monkeypatch.setattr("orchestration.landing.reshape.BLOCK", random.choice([64, 500, 1 << 20]))
    end = random.choice(["\n", "\r\n"])
    lines = ["top"] * random.randrange(3) + [""] * random.randrange(3) + [f"{HEADER},note,more"]
    for number in range(300):
        cells = [*order(number, status="?").split(","), "n", random.choice(["m", '"m,"' if hostile else "m"])]
        cells = [random.choice(statuses) if cell == "?" else cell for cell in cells]
        cells = cells[: random.choice([3, 7, 8, 9, 9, 9] if hostile else [7, 8, 9, 9])]
        line = ",".join(cells) + "," * random.choice([0, 0, 1, 3])
        lines.append(random.choice(["", " ", line, ",".join(cells)]) if hostile else line)
    text = end.join(lines) + random.choice(["", end])
    fast = land(text, header_within=6, ragged_ends=True)
    monkeypatch.setattr(csv_reader, "may_be_fast", lambda *given: False)
    exact = Inbox(tmp_path / "exact")
    exact.put(text)
    exact.land(feeds={"pos/orders": replace(feeds["pos/orders"], header_within=6, ragged_ends=True)})
    assert (counts(fast), fast.records(), fast.rejects()) == (counts(exact), exact.records(), exact.rejects())


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("header_within: 0", "feed.header_within: allowed is a number of lines from 1 to 100, given 0"),
        ("header_within: true", "feed.header_within: allowed is a number of lines from 1 to 100, given True"),
        ("header_within: 101", "feed.header_within: allowed is a number of lines from 1 to 100, given 101"),
        ("header_within: 3", "feed.header_within: allowed is 1 where no column is required"),
        ("ragged_ends: sometimes", "feed.ragged_ends: allowed is true or false, given 'sometimes'"),
    ],
)
def test_faults_are_told(tmp_path: Path, key: str, told: str):
    column = "{name: id, config: {meta: {type: id}}}"
    table = f"{{name: sales, identifier: shop__sales, config: {{meta: {{feed: {{{key}}}}}}}, columns: [{column}]}}"
    path = tmp_path / "models/staging/shop/_shop__sources.yml"
    path.parent.mkdir(parents=True)
    path.write_text(f"sources: [{{name: shop, tables: [{table}]}}]")
    with pytest.raises(FeedDeclarationError) as caught:
        load_feeds(tmp_path)
    assert told in str(caught.value)
