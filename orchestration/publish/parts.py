"""How a mart is cut into Parquet files, and how a file is known to be unchanged.

A mart up to `ROW_LIMIT` rows is one file. A larger one is cut into ranges of about `PART_ROWS` rows along a key of one
or more dates, so that a day's change rewrites the ranges that it touches and not the whole history. A range begins
where it began before unless it has outgrown twice its size: moving borders would rewrite what has not changed.

Each range is written by a scan of the whole mart, so that small ones cost more to write than they save: cutting ten
million rows into ranges of one million costs twice as much as one file, into ranges of four million a fifth more.
"""

from dataclasses import dataclass
from datetime import date

ROW_LIMIT = 1_000_000
PART_ROWS = 4_000_000

# The one file of a mart that is not cut.
WHOLE = "all"

# Stands for a missing date, before all others; `none` in a file's name.
NO_DATE = date.min

Key = tuple[date, ...]


@dataclass(frozen=True)
class Fingerprint:
    """What tells one content from another: how many rows, and the sum of their hashes, which no order of rows
    changes."""

    rows: int
    total: int

    def __add__(self, other: "Fingerprint") -> "Fingerprint":
        return Fingerprint(self.rows + other.rows, self.total + other.total)


@dataclass(frozen=True)
class Section:
    """Rows of a mart that are cut together: the beginning of their parts' keys, the condition that selects them, and
    the date expressions of the key along which they are cut."""

    name: str
    where: str
    key: tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """One file of a mart: its key (`all`, or the section and its first key), the condition that selects its rows, and
    their fingerprint."""

    key: str
    where: str
    fingerprint: Fingerprint

    def file_name(self, mart: str) -> str:
        return f"{mart}.parquet" if self.key == WHOLE else f"{mart}.{self.key}.parquet"


def key_text(section: str, key: Key) -> str:
    """A part's key as it stands in its file's name: `open.2026-03-01`, `2026-03-02.none`."""
    days = ("none" if day == NO_DATE else day.isoformat() for day in key)
    return ".".join([*([section] if section else []), *days])


def cut(
    section: Section,
    by_key: dict[Key, Fingerprint],
    keys_before: list[str],
    *,
    part_rows: int = PART_ROWS,
) -> list[Part]:
    """Cut one section of a mart into parts.

    Args:
        section: what is cut.
        by_key: the fingerprint of each key; a missing date is `NO_DATE`.
        keys_before: keys of the mart's parts in the previous version, of whatever section.
        part_rows: rows of one part that is to be reached before the next one begins.
    """
    keys = sorted(by_key)
    starts = _starts(keys, by_key, _keys_of(section, keys_before), part_rows)
    parts = []
    for number, start in enumerate(starts):
        end = starts[number + 1] if number + 1 < len(starts) else None
        inside = [key for key in keys if key >= start and (end is None or key < end)]
        conditions = [section.where, _at_least(section.key, start)]
        if end is not None:
            conditions.append(f"not {_at_least(section.key, end)}")
        fingerprint = sum((by_key[key] for key in inside), Fingerprint(0, 0))
        parts.append(Part(key_text(section.name, start), " and ".join(conditions), fingerprint))
    return parts


def _keys_of(section: Section, keys_before: list[str]) -> list[Key]:
    """The first keys of a section's parts in the previous version."""
    found = []
    for text in keys_before:
        words = text.split(".")
        if (
            text == WHOLE
            or len(words) != len(section.key) + bool(section.name)
            or (section.name or words[0]) != words[0]
        ):
            continue
        days = words[-len(section.key) :]
        try:
            found.append(tuple(NO_DATE if day == "none" else date.fromisoformat(day) for day in days))
        except ValueError:
            # Another section's name where a date would stand.
            continue
    return sorted(found)


def _at_least(expressions: tuple[str, ...], key: Key) -> str:
    """The condition that a row's key is not before `key`, date by date."""
    first, day = expressions[0], f"date '{key[0].isoformat()}'"
    value = f"coalesce({first}, date '{NO_DATE.isoformat()}')"
    if len(expressions) == 1:
        return f"{value} >= {day}"
    return f"({value} > {day} or ({value} = {day} and {_at_least(expressions[1:], key[1:])}))"


def _starts(keys: list[Key], by_key: dict[Key, Fingerprint], borders: list[Key], part_rows: int) -> list[Key]:
    """The first key of every part, keeping the borders there were."""
    starts: list[Key] = []
    # Keys before the first border fall into a range of their own, in front.
    for number in range(-1, len(borders)):
        low = borders[number] if number >= 0 else None
        high = borders[number + 1] if number + 1 < len(borders) else None
        inside = [key for key in keys if (low is None or key >= low) and (high is None or key < high)]
        # The last range is the one that grows day by day, so it alone is cut as soon as it is full.
        allowed = part_rows if high is None else 2 * part_rows
        if not inside:
            continue
        if sum(by_key[key].rows for key in inside) <= allowed and low is not None:
            starts.append(low)
        else:
            starts += _filled(inside, by_key, part_rows)
    return starts


def _filled(keys: list[Key], by_key: dict[Key, Fingerprint], part_rows: int) -> list[Key]:
    """First keys of ranges that are filled one after the other."""
    starts, rows = [], part_rows
    for key in keys:
        if rows >= part_rows:
            starts.append(key)
            rows = 0
        rows += by_key[key].rows
    return starts
