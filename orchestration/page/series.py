"""Days of the mart as trends of a stream: gaps filled, currencies apart. No drawing, no words."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from orchestration.page.figures import Day

# How far back the page looks.
WINDOW = timedelta(days=90)
# From so many days on a single day is noise: rates are taken over the week that ends with the day.
SMOOTH_FROM = 14
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Rate:
    """A share of a day, in hundredths of a per cent (9274 is 92.74 %)."""

    day: date
    hundredths: int


@dataclass(frozen=True)
class Movement:
    """What became of exceptions on a day. `closed` counts those closed by people and by rules, not the self-cleared."""

    day: date
    opened: int
    closed: int
    self_cleared: int


@dataclass(frozen=True)
class Standing:
    """What was open at a day's end."""

    day: date
    open_count: int


@dataclass(frozen=True)
class Trend:
    """One org and stream, day by day."""

    org_id: str
    stream: str
    # Whether a rate is one of the week that ends with its day.
    weekly: bool = False
    rows: list[Rate] = field(default_factory=list)
    money: dict[str, list[Rate]] = field(default_factory=dict)
    movements: list[Movement] = field(default_factory=list)
    standings: list[Standing] = field(default_factory=list)


def trends(days: Iterable[Day], until: date | None) -> list[Trend]:
    """A trend for each org and stream, of the window that ends with `until` (or the last day that there is)."""
    by_stream: dict[tuple[str, str], list[Day]] = defaultdict(list)
    for day in days:
        by_stream[day.org_id, day.stream].append(day)
    return [trend(found, until) for found in by_stream.values()]


def trend(days: Sequence[Day], until: date | None) -> Trend:
    """The trend of one org and stream."""
    end = until or max(day.day for day in days)
    start = end - WINDOW
    inside = [day for day in days if start < day.day <= end]
    judged = sorted({day.day for day in inside if day.judged_count})
    weekly = len(judged) >= SMOOTH_FROM
    currencies = sorted({day.currency for day in inside if day.currency and day.judged_count})
    return Trend(
        org_id=days[0].org_id,
        stream=days[0].stream,
        weekly=weekly,
        rows=_rates(judged, [(day.day, day.matched_count, day.judged_count) for day in inside], weekly),
        money={
            currency: _rates(
                judged,
                [(day.day, day.matched_minor, day.judged_minor) for day in inside if day.currency == currency],
                weekly,
            )
            for currency in currencies
        },
        movements=_movements(inside),
        standings=_standings([day for day in days if day.day <= end], start, end),
    )


def _rates(days: Sequence[date], parts: Iterable[tuple[date, int, int]], weekly: bool) -> list[Rate]:
    """Part of whole for each day; a day on which the signs make no share of it has none."""
    part: Counter[date] = Counter()
    whole: Counter[date] = Counter()
    for day, one, other in parts:
        part[day] += one
        whole[day] += other
    found = []
    for day in days:
        span = [day - timedelta(days=back) for back in range(WEEK.days)] if weekly else [day]
        matched, judged = sum(part[each] for each in span), sum(whole[each] for each in span)
        if judged > 0 and 0 <= matched <= judged:
            found.append(Rate(day, matched * 10_000 // judged))
    return found


def _movements(days: Iterable[Day]) -> list[Movement]:
    opened: Counter[date] = Counter()
    closed: Counter[date] = Counter()
    cleared: Counter[date] = Counter()
    for day in days:
        opened[day.day] += day.opened_count
        closed[day.day] += day.closed_count
        cleared[day.day] += day.self_cleared_count
    return [
        Movement(day, opened[day], closed[day] - cleared[day], cleared[day])
        for day in sorted(opened)
        if opened[day] or closed[day]
    ]


def _standings(days: Sequence[Day], start: date, end: date) -> list[Standing]:
    """Every day of the window from the first opening on: a currency without a row keeps what it had."""
    moved = [day.day for day in days if day.opened_count or day.closed_count]
    if not moved:
        return []
    left = deque(sorted(days, key=lambda day: day.day))
    standing: dict[str | None, int] = {}
    found = []
    current = max(min(moved), start + timedelta(days=1))
    while current <= end:
        while left and left[0].day <= current:
            row = left.popleft()
            standing[row.currency] = row.open_count
        found.append(Standing(current, sum(standing.values())))
        current += timedelta(days=1)
    return found
