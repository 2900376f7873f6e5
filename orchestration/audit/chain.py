"""The chain: every row of a table carries the hash of the row before it, so that a row that is changed, taken out or
put in between breaks the chain at its place."""

import functools
import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

# What stands before the first row.
START = "0" * 64
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Break:
    """A place where a table is not as it was written: which row, and what is wrong with it."""

    table: str
    sequence_number: int
    kind: str
    message: str


@dataclass(frozen=True)
class Link:
    """The end of a chain: how many rows, and the hash of the last."""

    rows: int
    row_hash: str


def _plain(value: Any) -> Any:
    """A value as JSON writes it, the same whatever engine it comes from."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(timespec="microseconds")
    return value


def row_hash(table: str, row: Row) -> str:
    """SHA-256 over a row's table, its columns that are not null, and the hash of the row before it.

    A column that is null says nothing: so a table may get a new column, and old rows keep their hashes.
    """
    said = {name: _plain(value) for name, value in row.items() if value is not None and name != "row_hash"}
    text = json.dumps([table, said], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def linked(table: str, rows: Iterable[Row], end: Link) -> Iterator[dict[str, Any]]:
    """Rows with their number, the hash of the row before each, and their own; `end` is where the table ends now."""
    for row in rows:
        whole = {**row, "sequence_number": end.rows + 1, "previous_hash": end.row_hash}
        whole["row_hash"] = row_hash(table, whole)
        end = Link(end.rows + 1, whole["row_hash"])
        yield whole


def _is_odd(table: str, before: str, row: Row) -> bool:
    """Whether a row does not follow from the one before it, or is not what was written."""
    return row["previous_hash"] != before or row_hash(table, row) != row["row_hash"]


def breaks(table: str, rows: Iterable[Row], anchors: Mapping[int, str], pending: int = 0) -> Iterator[Break]:
    """Every place where a table's rows, in the order of their numbers, are not as they were written.

    anchors: hash by number of rows that were noted outside the table: only they tell that rows are missing at its end,
        or that somebody added some. `pending`: how many rows there may be besides, because a run that crashed had said
        that it was about to write them.
    """
    expected, before, noted = 1, START, dict(anchors)
    last_noted = max([*anchors, pending])
    for number, group in itertools.groupby(rows, key=lambda row: row["sequence_number"]):
        # Of several rows of one number the one that fits is the true one.
        candidates = sorted(group, key=functools.partial(_is_odd, table, before))
        row = candidates[0]
        if number is None or number < 1:
            yield Break(table, number or 0, "INSERTED", "no row has this number: it was put in")
            continue
        if number > expected:
            gone = f"row {expected} is" if number == expected + 1 else f"rows {expected} to {number - 1} are"
            yield Break(table, expected, "REMOVED", f"{gone} not there")
        elif number > last_noted:
            yield Break(table, number, "INSERTED", "no run wrote it: it was put in after the last row")
        elif row["previous_hash"] != before:
            yield Break(table, number, "INSERTED", "it does not follow from the row before it")
        own = row_hash(table, row)
        if own != row["row_hash"]:
            if number <= last_noted:
                yield Break(table, number, "CHANGED", "its content is not what was written")
        elif noted.get(number, own) != own:
            yield Break(table, number, "CHANGED", "it is not what was noted of it: the chain was made anew")
        if len(candidates) > 1:
            yield Break(table, number, "INSERTED", f"there are {len(candidates)} rows of this number: one was put in")
        noted.pop(number, None)
        expected, before = number + 1, row["row_hash"]
    lost = [number for number in noted if number >= expected]
    if lost:
        yield Break(table, expected, "REMOVED", f"there was a row {max(lost)}; the table ends before {expected} now")
