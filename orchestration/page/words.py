"""Codes, dates and money as people say them."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from orchestration.money import format_minor, format_share

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
NOTHING = "–"

SEVERITIES = {"CRITICAL": "critical", "HIGH": "high", "MEDIUM": "medium", "LOW": "low"}
BUCKETS = ("0-1", "2-7", "8-30", "31-90", "over 90")
PAYOUT_STATES = {
    "TIED_OUT": "tied out",
    "IN_TRANSIT": "in transit",
    "FEED_LATE": "waits for a feed",
    "NOT_ITEMISABLE": "not itemisable",
    "LINES_DO_NOT_ADD_UP": "lines do not add up",
    "DEPOSIT_DIFFERS": "deposit differs",
    "DEPOSIT_MISSING": "deposit missing",
}
BALANCES = {
    "lines": "Every physical line of every file is explained",
    "records": "What was landed was used or rejected",
    "versions": "Every record is live, replaced or a known copy",
    "ladder": "Every live record has a result, in rows and in money",
    "conflicts": "Contradicting records are all in a result",
    "duplicates": "Surplus copies are all in a result",
    "handover": "What a step leaves is what the next one takes",
    "row_identity": "Gross, fee and net of each row agree",
    "net_sales": "Net sales are what their parts come to",
    "total_collected": "What was collected is what its parts come to",
    "batch_identity": "The lines of each payout add up to it",
    "statement": "Opening balance plus movements is the closing balance",
    "continuity": "Each statement opens as the one before closed",
    "sequence": "No number is left out",
    "entries": "As many entries as the file says",
    "file_total": "The file's own total agrees",
    "file_count": "The file's own count agrees",
}
REASONS = {
    "unreadable_record": "line cannot be read",
    "missing_id": "no id",
    "missing_value": "a required value is missing",
    "unreadable_amount": "not an amount",
    "unreadable_time": "not a time",
    "unreadable_date": "not a date",
    "unreadable_integer": "not a whole number",
    "unreadable_decimal": "not a number",
    "too_many_decimals": "more decimals than the currency has",
    "amount_out_of_range": "amount too large",
    "unknown_currency": "unknown currency",
    "nonexistent_local_time": "a local time that never was",
    "counterparty_without_stream": "policy for a counterparty without a stream",
    "unknown_stream": "policy for an unknown stream",
    "contradicts_another_row_received_together": "policies contradict each other",
}


def day(value: date) -> str:
    """`3 Mar 2026`."""
    return f"{value.day} {MONTHS[value.month - 1]} {value.year}"


def day_of_axis(value: date) -> str:
    """`3 Mar`."""
    return f"{value.day} {MONTHS[value.month - 1]}"


def moment(value: datetime) -> str:
    """`3 Mar 2026, 06:00 UTC`."""
    return f"{day(value)}, {value:%H:%M} UTC"


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 payout`, `2,000 payouts`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def money(minor: int | None, currency: str | None, exponents: Mapping[str, int]) -> str:
    """An amount with its currency; in minor units where nobody knows how many decimals it has."""
    if minor is None or not currency:
        return NOTHING
    if currency not in exponents:
        return f"{minor:,} minor units of {currency}"
    return f"{format_minor(minor, exponents[currency])} {currency}".replace("-", "\N{MINUS SIGN}", 1)


def share(part: int, whole: int) -> str:
    """A percentage, or a dash where there is nothing to divide by or the signs make no share of it."""
    return format_share(part, whole) if whole > 0 and 0 <= part <= whole else NOTHING


def severity(code: str) -> str:
    return SEVERITIES.get(code, code.lower())


def bucket(code: str) -> str:
    """An age: `2 to 7 days`."""
    return f"{code.replace('-', ' to ')} days"


def buckets_in_order(codes: Iterable[str]) -> list[str]:
    """The known ones in their order, all others after them."""
    found = set(codes)
    return [name for name in BUCKETS if name in found] + sorted(found - set(BUCKETS))


def payout_state(code: str) -> str:
    return PAYOUT_STATES.get(code, in_words(code))


def balance(code: str) -> str:
    return BALANCES.get(code, in_words(code))


def reason(code: str) -> str:
    return REASONS.get(code, in_words(code) or "no reason given")


def in_words(code: str) -> str:
    """A code that has no words of its own, readable."""
    return code.lower().replace("_", " ")
