"""How a mart is cut into Parquet files, and how a file is known to be unchanged.

A mart up to `ROW_LIMIT` rows is one file. A larger one is cut along `business_date` into ranges of about `PART_ROWS`
rows, one file a range and one for the rows without a date, so that a day's change rewrites the ranges that it touches
and not the whole history. A range begins where it began before unless it has outgrown twice its size: moving borders
would rewrite what has not changed.
"""

from dataclasses import dataclass
from datetime import date

ROW_LIMIT = 1_000_000
PART_ROWS = 1_000_000

# The one file of a mart that is not cut, and the file of the rows without a date.
WHOLE = "all"
NO_DATE = "none"


@dataclass(frozen=True)
class Fingerprint:
    """What tells one content from another: how many rows, and the sum of their hashes, which no order of rows
    changes."""

    rows: int
    total: int

    def __add__(self, other: "Fingerprint") -> "Fingerprint":
        return Fingerprint(self.rows + other.rows, self.total + other.total)


@dataclass(frozen=True)
class Part:
    """One file of a mart: its key (`all`, `none` or the first date), the condition that selects its rows, and
    their fingerprint."""

    key: str
    where: str
    fingerprint: Fingerprint

    def file_name(self, mart: str) -> str:
        return f"{mart}.parquet" if self.key == WHOLE else f"{mart}.{self.key}.parquet"


def cut(
    by_date: dict[date | None, Fingerprint],
    starts_before: list[date],
    *,
    dated: bool,
    row_limit: int = ROW_LIMIT,
    part_rows: int = PART_ROWS,
) -> list[Part]:
    """Cut a mart into parts.

    Args:
        by_date: the fingerprint of each business date; the key None holds the rows without one, or all when the mart
            has no dates.
        starts_before: first dates of the parts of the previous version; empty when it was not cut.
        dated: whether the mart has business dates at all.
        row_limit: rows up to which a mart stays one file.
        part_rows: rows of one part that is to be reached before the next one begins.
    """
    everything = sum(by_date.values(), Fingerprint(0, 0))
    if not dated or everything.rows <= row_limit:
        return [Part(WHOLE, "true", everything)]
    dates = sorted(day for day in by_date if day is not None)
    starts = _starts(dates, by_date, starts_before, part_rows)
    parts = []
    for number, start in enumerate(starts):
        end = starts[number + 1] if number + 1 < len(starts) else None
        inside = [day for day in dates if day >= start and (end is None or day < end)]
        where = f"business_date >= date '{start}'" + (f" and business_date < date '{end}'" if end else "")
        parts.append(Part(start.isoformat(), where, sum((by_date[day] for day in inside), Fingerprint(0, 0))))
    if None in by_date:
        parts.append(Part(NO_DATE, "business_date is null", by_date[None]))
    return parts


def _starts(
    dates: list[date], by_date: dict[date | None, Fingerprint], starts_before: list[date], part_rows: int
) -> list[date]:
    """The first date of every part, keeping the borders there were."""
    borders = sorted(starts_before)
    starts: list[date] = []
    # Dates before the first border fall into a range of their own, in front.
    for number in range(-1, len(borders)):
        low = borders[number] if number >= 0 else None
        high = borders[number + 1] if number + 1 < len(borders) else None
        inside = [day for day in dates if (low is None or day >= low) and (high is None or day < high)]
        # The last range is the one that grows day by day, so it alone is cut as soon as it is full.
        allowed = part_rows if high is None else 2 * part_rows
        if not inside:
            continue
        if sum(by_date[day].rows for day in inside) <= allowed and low is not None:
            starts.append(low)
        else:
            starts += _filled(inside, by_date, part_rows)
    return starts


def _filled(dates: list[date], by_date: dict[date | None, Fingerprint], part_rows: int) -> list[date]:
    """First dates of ranges that are filled one after the other."""
    starts, rows = [], part_rows
    for day in dates:
        if rows >= part_rows:
            starts.append(day)
            rows = 0
        rows += by_date[day].rows
    return starts
