"""Lengths of time as people write them in YAML and on the command line: `90 seconds`, `2 hours`, `10m`."""

import re
from datetime import timedelta

_SHAPE = re.compile(
    r"(?P<number>\d{1,6})\s*"
    r"(?:(?P<seconds>s|seconds?)|(?P<minutes>m|min|minutes?)|(?P<hours>h|hours?)|(?P<days>d|days?)|(?P<weeks>w|weeks?))"
)

ALLOWED = "a whole number and its unit, such as 90 seconds, 15 minutes, 2 hours or 1 day, and 100 years at most"
# Counted from any day that concerns us, what is no longer than this leads to one that a calendar has.
MOST = timedelta(days=36_525)


def parse_duration(text: str) -> timedelta:
    """A length of time from its text.

    Raises:
        ValueError: it is none; the message says what is allowed.
    """
    found = _SHAPE.fullmatch(text.strip().lower()) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"allowed is {ALLOWED}, given {text!r}")
    unit = next(name for name in ("seconds", "minutes", "hours", "days", "weeks") if found[name])
    length = timedelta(**{unit: int(found["number"])})
    if length > MOST:
        raise ValueError(f"allowed is {ALLOWED}, given {text!r}")
    return length


def in_words(length: timedelta | None) -> str:
    """A length of time in the largest unit that it is a whole number of: `2 hours`."""
    seconds = int(length.total_seconds()) if length else 0
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds and not seconds % size:
            return f"{seconds // size} {unit}{'s' if seconds != size else ''}"
    return f"{seconds} second{'s' if seconds != 1 else ''}"
