"""The one clock (law 6): every time of a run is UTC and counts to `as_of`."""

import re
from datetime import UTC, datetime

from orchestration.errors import UsageError

# What `--as-of` takes. `fromisoformat` alone would also take week dates and other forms that nobody means.
_FORM = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,6})?)?( ?(Z|z|[+-]\d{2}:?\d{2}))?)?")
FORMS = "2026-03-03, 2026-03-03T06:00, 2026-03-03T06:00:00Z, 2026-03-03T06:00:00.5+01:00 (without an offset: UTC)"


def now() -> datetime:
    """The wall clock in UTC. Called once a run; everything else is handed the answer."""
    return datetime.now(UTC)


def parse_as_of(text: str) -> datetime:
    """Read a point in time as a person types it.

    Raises:
        UsageError: the text is not one of the allowed forms, or not a time that exists.
    """
    cleaned = text.strip()
    if _FORM.fullmatch(cleaned):
        try:
            moment = datetime.fromisoformat(cleaned.replace(",", ".").replace("z", "Z").replace(" Z", "Z"))
        except ValueError as error:
            raise UsageError(f"--as-of {text!r} is not a time that exists ({error}). Allowed: {FORMS}.") from error
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        try:
            return moment.astimezone(UTC)
        except OverflowError as error:
            raise UsageError(f"--as-of {text!r} lies outside the calendar. Allowed: {FORMS}.") from error
    raise UsageError(f"--as-of {text!r} is not a time that can be read. Allowed: {FORMS}.")


def to_text(moment: datetime) -> str:
    """A UTC time as `YYYY-MM-DDTHH:MM:SS.ffffffZ`, the one form that stands in records and reaches dbt."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_text(text: str) -> datetime:
    """The time behind `to_text`."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
