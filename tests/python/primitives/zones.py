"""Local times around every change of the clocks in zones that change them in odd ways."""

# ruff: noqa: DTZ001 - a local time has no zone, that is what is tested

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1)

# Zone and the years whose changes count. Only the past: what governments still change, engines know at different times.
ZONES = {
    "UTC": (2024,),
    "Europe/Berlin": (1945, 2019, 2024),
    "America/New_York": (2006, 2024),
    "Australia/Lord_Howe": (2007, 2024),  # half an hour
    "Europe/Dublin": (2024,),  # summer is standard time, winter the exception, in the zone's own words
    "Asia/Kolkata": (2024,),
    "Pacific/Apia": (2010, 2011),  # a day that never was
    "Antarctica/Troll": (2019,),  # two hours
    "America/Caracas": (2007, 2016),  # half an hour back, and forth again, for good
    "Asia/Pyongyang": (2015, 2018),
    "Pacific/Chatham": (2024,),  # changes at a quarter to
    "America/St_Johns": (2010, 2024),  # changed a minute after midnight
    "America/Sao_Paulo": (2018,),  # midnight did not occur
    "Asia/Kathmandu": (2024,),
    "Asia/Tehran": (2021,),
    "Africa/Cairo": (2014,),
    "Antarctica/Casey": (2010, 2012),  # three hours
}
FAR = ((1, 1, 2), (1582, 10, 10), (1850, 6, 1), (1910, 6, 1), (1943, 7, 1), (2050, 1, 15), (2050, 7, 15), (9999, 7, 1))
AROUND = (-7200, -5400, -3600, -1800, -900, -1, 0, 1, 900, 1800, 3599, 3600, 5400, 7200)


def _changes(zone: ZoneInfo, year: int) -> Iterator[datetime]:
    """The instants (UTC, to the minute) at which the zone's offset changes in a year."""

    def offset(instant: datetime) -> timedelta | None:
        return instant.astimezone(zone).utcoffset()

    moment, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    while moment < end:
        later = moment + timedelta(hours=6)
        if offset(moment) != offset(later):
            low, high = moment, later
            while high - low > timedelta(minutes=1):
                middle = low + timedelta(minutes=(high - low) // timedelta(minutes=2))
                low, high = (middle, high) if offset(middle) == offset(low) else (low, middle)
            yield high
        moment = later


def local_times() -> Iterator[tuple[datetime, str]]:
    """Local times (naive) and zones: around every change, on both of the clocks that meet there, and far from any."""
    for name, years in ZONES.items():
        zone = ZoneInfo(name)
        found = {datetime(year, month, 15, 12, 30, 15, 123456) for year in years for month in (1, 4, 7, 10)}
        found |= {datetime(*day, 12, 30) for day in FAR}
        for year in years:
            for change in _changes(zone, year):
                for clock in (change - timedelta(minutes=1), change):
                    local = change.replace(tzinfo=None) + (clock.astimezone(zone).utcoffset() or timedelta())
                    found |= {local + timedelta(seconds=seconds) for seconds in AROUND}
                    found |= {local - timedelta(microseconds=1), local + timedelta(microseconds=1)}
        yield from ((local, name) for local in sorted(found))


def instant_of(local: datetime, zone: str) -> int | None:
    """Microseconds since 1970 of a local time, the later instant where it occurs twice; None where it never occurs."""
    instant = local.replace(tzinfo=ZoneInfo(zone), fold=1).astimezone(UTC)
    if instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != local:
        return None
    return microseconds(instant.replace(tzinfo=None))


def local_of(instant: datetime, zone: str) -> datetime:
    """The local time at an instant that is given naive, in UTC."""
    return instant.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (moment - EPOCH) // timedelta(microseconds=1)
