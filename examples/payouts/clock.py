"""Days, local days and business days.

A day is a number, counted from 1970-01-01; an instant is seconds since then, UTC.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY = 86_400
EPOCH = date(1970, 1, 1)


def day_number(moment: date) -> int:
    """The number of a calendar day."""
    return (moment - EPOCH).days


@lru_cache(maxsize=4096)
def calendar(day: int) -> date:
    """The calendar day of a number."""
    return EPOCH + timedelta(days=day)


@lru_cache(maxsize=4096)
def iso(day: int) -> str:
    """`2026-03-05`."""
    return calendar(day).isoformat()


def is_business(day: int) -> bool:
    """Monday to Friday. Day 0 was a Thursday."""
    return (day + 3) % 7 < 5


def business_after(day: int, count: int) -> int:
    """The `count`-th business day after a day; with 0 the day itself or, at a weekend, the next business day."""
    while not is_business(day):
        day += 1
    while count:
        day += 1
        count -= is_business(day)
    return day


class Zone:
    """A time zone: local days and texts of instants."""

    def __init__(self, name: str) -> None:
        self.info = ZoneInfo(name)
        self._offsets: dict[int, int] = {}

    def offset(self, at: int) -> int:
        """Seconds east of UTC at an instant."""
        hour = at // 3600
        known = self._offsets.get(hour)
        if known is None:
            if len(self._offsets) > 10_000:
                self._offsets.clear()
            utc = datetime.fromtimestamp(hour * 3600, UTC).astimezone(self.info).utcoffset()
            assert utc is not None
            known = self._offsets[hour] = int(utc.total_seconds())
        return known

    def day(self, at: int) -> int:
        """The local day of an instant."""
        return (at + self.offset(at)) // DAY

    def start(self, day: int) -> int:
        """The instant at which a local day begins (no zone here changes its offset at midnight)."""
        noon = day * DAY + DAY // 2
        return day * DAY - self.offset(noon - self.offset(noon))

    def clock(self, at: int) -> str:
        """Local time of day, `18:22:41`."""
        seconds = (at + self.offset(at)) % DAY
        return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"

    def local(self, at: int) -> str:
        """`2026-03-02 18:22:41`."""
        return f"{iso(self.day(at))} {self.clock(at)}"

    def with_offset(self, at: int) -> str:
        """`2026-03-02 18:22:41 -0500`."""
        return f"{self.local(at)} {self.offset_text(at)}"

    def offset_text(self, at: int) -> str:
        """`-0500`."""
        minutes = self.offset(at) // 60
        sign = "-" if minutes < 0 else "+"
        return f"{sign}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"
