"""The chain by itself: whatever is done to a table of rows, the first place where it was done is named."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.audit.chain import START, Break, Link, breaks, linked, row_hash

TABLE = "reconciliation_runs"
Rows = list[dict[str, Any]]


def chained(count: int) -> Rows:
    """Rows as they are written."""
    given_rows = [{"run_id": f"run {n}", "state": "QUEUED", "attempt": n, "ended_at": None} for n in range(count)]
    return list(linked(TABLE, given_rows, Link(0, START)))


def anchors(rows: Rows) -> dict[int, str]:
    """The note of the end of a table."""
    return {rows[-1]["sequence_number"]: rows[-1]["row_hash"]}


def found(rows: Rows, noted: dict[int, str], pending: int = 0) -> list[tuple[int, str]]:
    """Number and kind of each break."""
    return [(one.sequence_number, one.kind) for one in breaks(TABLE, rows, noted, pending)]


@given(st.integers(1, 30))
def test_what_was_written_holds(count: int) -> None:
    rows = chained(count)
    assert found(rows, anchors(rows)) == []


@given(st.integers(2, 20), st.randoms(use_true_random=False))
def test_a_changed_row_is_named(count: int, dice: random.Random) -> None:
    rows = chained(count)
    noted = anchors(rows)
    place = dice.randrange(count)
    column, value = dice.choice([("state", "SUCCEEDED"), ("attempt", -1), ("run_id", None), ("ended_at", "now")])
    rows[place] = {**rows[place], column: value}
    assert found(rows, noted)[0] == (place + 1, "CHANGED")


@given(st.integers(2, 20), st.randoms(use_true_random=False))
def test_a_removed_row_is_named_even_the_last(count: int, dice: random.Random) -> None:
    rows = chained(count)
    noted = anchors(rows)
    place = dice.randrange(count)
    del rows[place]
    assert found(rows, noted)[0] == (place + 1, "REMOVED")


@given(st.integers(2, 20), st.randoms(use_true_random=False))
def test_a_row_put_in_between_is_named(count: int, dice: random.Random) -> None:
    rows = chained(count)
    noted = anchors(rows)
    place = dice.randrange(count)
    forged = {**rows[place], "run_id": "forged"}
    forged["row_hash"] = row_hash(TABLE, forged)
    rows.insert(place + dice.randrange(2), forged)
    first = found(rows, noted)[0]
    # A forged row that fits the one before it cannot be told from the true one, but that there are two of them can.
    assert first in ((place + 1, "INSERTED"), (place + 1, "CHANGED"))
    assert (place + 1, "INSERTED") in found(rows, noted)


def test_a_row_put_in_after_the_last_is_named() -> None:
    rows = chained(3)
    noted = anchors(rows)
    rows += linked(TABLE, [{"run_id": "forged"}], Link(3, rows[-1]["row_hash"]))
    assert found(rows, noted) == [(4, "INSERTED")]


def test_a_chain_made_anew_is_told_by_what_was_noted() -> None:
    rows = chained(6)
    noted = {2: rows[1]["row_hash"], 6: rows[5]["row_hash"]}
    forged = {**rows[3], "state": "SUCCEEDED"}
    bare = [
        {name: value for name, value in row.items() if name not in ("sequence_number", "previous_hash", "row_hash")}
        for row in (forged, *rows[4:])
    ]
    rows[3:] = list(linked(TABLE, bare, Link(3, rows[2]["row_hash"])))
    assert found(rows, noted) == [(6, "CHANGED")]
    # Without the note nothing would show.
    assert found(rows, anchors(rows)) == []


def test_all_rows_gone() -> None:
    rows = chained(4)
    assert found([], anchors(rows)) == [(1, "REMOVED")]
    assert found([], {}) == []


def test_rows_that_a_crash_left_after_the_last_note_are_no_fault() -> None:
    rows = chained(4)
    noted = {2: rows[1]["row_hash"]}
    assert found(rows, noted, pending=4) == []
    assert found(rows[:2], noted, pending=4) == []
    assert found(rows, noted, pending=3) == [(4, "INSERTED")]


@pytest.mark.parametrize("number", [0, -1])
def test_a_row_with_an_impossible_number(number: int) -> None:
    rows = chained(2)
    assert found([{**rows[0], "sequence_number": number}, *rows], anchors(rows))[0] == (number, "INSERTED")


def test_a_new_column_leaves_old_hashes_as_they_are() -> None:
    rows = chained(3)
    assert found([{**row, "a_new_column": None} for row in rows], anchors(rows)) == []


def test_a_row_of_another_table_does_not_pass() -> None:
    rows = chained(2)
    assert next(breaks("reconciliation_steps", rows, anchors(rows))) == Break(
        "reconciliation_steps", 1, "CHANGED", "its content is not what was written"
    )
