"""The text grammar: how delivered text becomes ids, amounts, times, integers and codes."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from string import ascii_lowercase
from zoneinfo import ZoneInfo

# An explicit list, because engines and languages disagree on what a blank is.
BLANKS = "".join(
    chr(code)
    for code in (
        *range(0x0009, 0x000E),
        0x0020,
        0x0085,
        0x00A0,
        0x1680,
        *range(0x2000, 0x200B),
        0x2028,
        0x2029,
        0x202F,
        0x205F,
        0x3000,
        0xFEFF,
    )
)

MISSING_ID = "missing_id"
MISSING_VALUE = "missing_value"
UNREADABLE_AMOUNT = "unreadable_amount"
AMOUNT_OUT_OF_RANGE = "amount_out_of_range"
TOO_MANY_DECIMALS = "too_many_decimals"
UNKNOWN_CURRENCY = "unknown_currency"
UNREADABLE_TIME = "unreadable_time"
NONEXISTENT_LOCAL_TIME = "nonexistent_local_time"
UNREADABLE_INTEGER = "unreadable_integer"
UNREADABLE_DECIMAL = "unreadable_decimal"
UNREADABLE_DATE = "unreadable_date"
BELOW_MINIMUM = "below_minimum"
ABOVE_MAXIMUM = "above_maximum"

MAX_DIGITS = 18
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_DECIMAL = re.compile(r"([+-]?)([0-9]+)(?:\.([0-9]+))?")
_INTEGER = re.compile(r"([+-]?)([0-9]+)")
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?"
    r"(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)


class UnreadableError(Exception):
    """A text that does not type. `code` is the reason that the reject carries."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def trimmed(text: str | None) -> str | None:
    """The text without the blanks around it; None when nothing is left."""
    return None if text is None else (text.strip(BLANKS) or None)


def parse_amount(text: str, exponent: int | None, decimal_mark: str = ".", grouping_mark: str = "") -> int | None:
    """Signed minor units of a trimmed amount. Without a known exponent only the grammar is checked."""
    # A grouping mark may stand only where it groups: `1.2` is no twelve.
    grouped = f"|[0-9]{{1,3}}(?:{re.escape(grouping_mark)}[0-9]{{3}})+" if grouping_mark else ""
    found = re.fullmatch(f"([+-]?)([0-9]+{grouped})(?:{re.escape(decimal_mark)}([0-9]+))?", text)
    if found is None:
        raise UnreadableError(UNREADABLE_AMOUNT)
    if exponent is None:
        return None
    sign, whole, fraction = found[1], re.sub("[^0-9]", "", found[2]), (found[3] or "").rstrip("0")
    if len(fraction) > exponent:
        raise UnreadableError(TOO_MANY_DECIMALS)
    digits = (whole + fraction.ljust(exponent, "0")).lstrip("0")
    if len(digits) > MAX_DIGITS:
        raise UnreadableError(AMOUNT_OUT_OF_RANGE)
    minor = int(digits or "0")
    return -minor if sign == "-" else minor


def parse_integer(text: str) -> int:
    """A trimmed integer of at most 18 digits, leading zeros not counted."""
    found = _INTEGER.fullmatch(text)
    if found is None or len(found[2].lstrip("0")) > MAX_DIGITS:
        raise UnreadableError(UNREADABLE_INTEGER)
    return int(text)


def parse_decimal(text: str) -> Fraction:
    """A trimmed decimal, exact, of at most 9 digits before and behind the mark; zeros at the ends do not count."""
    found = _DECIMAL.fullmatch(text)
    if found is None or len(found[2].lstrip("0")) > 9 or len((found[3] or "").rstrip("0")) > 9:
        raise UnreadableError(UNREADABLE_DECIMAL)
    return Fraction(text)


def parse_date(text: str) -> date:
    """A trimmed calendar day, `YYYY-MM-DD`."""
    found = _DATE.fullmatch(text)
    if found is None:
        raise UnreadableError(UNREADABLE_DATE)
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError as fault:
        raise UnreadableError(UNREADABLE_DATE) from fault


def parse_time(text: str, zone: str = "UTC") -> datetime:
    """A trimmed time as an aware datetime in UTC; without an offset it is local time of `zone`."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise UnreadableError(UNREADABLE_TIME)
    try:
        local = datetime.combine(  # `combine` keeps it naive: the zone comes below
            date(int(found[1]), int(found[2]), int(found[3])),
            time(int(found[4]), int(found[5]), int(found[6] or "0"), int((found[7] or "0")[:6].ljust(6, "0"))),
        )
    except ValueError as fault:
        raise UnreadableError(UNREADABLE_TIME) from fault
    try:
        if found[8] is None:
            return local_to_utc(local, zone)
        instant = (local - _offset(found[8])).replace(tzinfo=UTC)
        instant.astimezone(ZoneInfo(zone))  # its local day is the business date
    except OverflowError as fault:  # not in the years 0001 to 9999
        raise UnreadableError(UNREADABLE_TIME) from fault
    return instant


def _offset(written: str) -> timedelta:
    """How far local time is ahead of UTC: at most 14:00 either way, as in XML Schema."""
    if written == "Z":
        return timedelta(0)
    digits = written[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if minutes > 59 or hours * 60 + minutes > 14 * 60:
        raise UnreadableError(UNREADABLE_TIME)
    return timedelta(hours=hours, minutes=minutes) * (-1 if written[0] == "-" else 1)


def local_to_utc(local: datetime, zone: str) -> datetime:
    """UTC of a local time: one that occurs twice is standard time, one that never occurs is refused."""
    # fold=1 is the second of two: after summer time ended, so standard time.
    instant = local.replace(tzinfo=ZoneInfo(zone), fold=1).astimezone(UTC)
    if instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != local:
        raise UnreadableError(NONEXISTENT_LOCAL_TIME)
    return instant


def microseconds(instant: datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (instant - EPOCH) // timedelta(microseconds=1)


# Only ASCII letters have a case here: what else an engine folds (ſ to S, İ to i) depends on the engine and its locale.
_UPPER = {ord(letter): letter.upper() for letter in ascii_lowercase}
_LOWER = {ord(letter.upper()): letter for letter in ascii_lowercase}


def ascii_lower(text: str) -> str:
    """The text with A to Z as a to z."""
    return text.translate(_LOWER)


def ascii_upper(text: str) -> str:
    """The text with a to z as A to Z."""
    return text.translate(_UPPER)


def parse_currency(text: str, exponents: Mapping[str, int]) -> str:
    """A trimmed currency code, upper-cased and known."""
    code = ascii_upper(text)
    if code not in exponents:
        raise UnreadableError(UNKNOWN_CURRENCY)
    return code
