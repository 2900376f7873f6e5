"""Every rule of the stream on both engines: many cases in two runs, the expected verdicts written by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from tests.python.bookings.conftest import BOTH
from tests.python.bookings.world import (
    AGGREGATOR,
    POLICIES,
    RATES,
    SUPPLIER,
    Outcome,
    Row,
    activity,
    at,
    exceptions,
    of_project,
    policy,
    put,
    rate,
    rows_by_key,
    run,
    verdicts,
)
from tests.python.core_project import core_project
from tests.python.laws.harness import Folder, Server

FIRST, SECOND = at("03-02 12:00"), at("03-02 15:00")
LARGEST_CONVERTED = "9999999999999.99"  # one minor unit less than 10^15
HUGE = "10000000000000.00"
BEYOND = "9999999999999999.99"  # 18 digits, the longest amount there is


@dataclass(frozen=True)
class Case:
    """A record's rows on both sides, and what is said of it: after the first run, and after the second if that is
    something else. `base`: both amounts in minor units of the base currency; `rate`: the source's, its day and source.
    """

    org_id: str
    activity_id: str
    source: Sequence[Row]
    target: Sequence[Row]
    expected: str
    base: tuple[int | None, int | None] | None = None
    rate: tuple[str, date, str] | None = None
    later_source: Sequence[Row] = ()
    later_target: Sequence[Row] = ()
    later: str | None = None


def pair(
    org_id: str,
    activity_id: str,
    source: tuple[str, str],
    target: tuple[str, str],
    expected: str,
    base: tuple[int | None, int | None] | None = None,
    rate: tuple[str, date, str] | None = None,
    later: str | None = None,
    **both: str,
) -> Case:
    """A case of one record a side, each of an amount and a currency; `both` are further columns of the two."""
    rows = [activity(activity_id, *side, **both) for side in (source, target)]
    return Case(org_id, activity_id, rows[:1], rows[1:], expected, base, rate, later=later)


def sides(
    activity_id: str, expected: str, source: dict[str, str], target: dict[str, str], org_id: str = "eur", **both: str
) -> Case:
    """A case of equal amounts whose sides differ in what `source` and `target` say."""
    return Case(
        org_id,
        activity_id,
        [activity(activity_id, "50.00", **both, **source)],
        [activity(activity_id, "50.00", **both, **target)],
        expected,
    )


MONDAY = date(2026, 3, 2)
USD_EUR = ("USD/EUR 0.5", MONDAY, "ECB")

POLICIES_OF = {
    "eur": [
        policy(base_currency="EUR"),
        policy("TOL", price_abs_minor="100", price_pct="0.01"),
        policy("PCT", price_pct="0.333333333"),
        policy("PIV", fx_pivot="usd"),
        policy("OLD", fx_max_age_days="0"),
        policy("REC", price_basis="record"),
        policy("SKEW", skew_seconds="0"),
        policy("PATIENT", grace_minutes="100000"),
    ],
    "jpy": [policy(base_currency="JPY")],
    "kwd": [policy(base_currency="KWD")],
    "record": [policy(price_basis="RECORD", base_currency="EUR")],
    "contra": [policy(base_currency="EUR")],
    "pivoted": [policy(base_currency="EUR", fx_pivot="USD"), policy("NOPIV", fx_pivot="NONE")],
    "changed": [policy(base_currency="EUR")],
    "forms": [policy(base_currency="EUR")],
    "refused": [
        policy(base_currency="EUR", fx_pivot="EURO"),
        policy("S2", mode="WEEKLY"),
        policy("S3", price_basis="BOTH"),
    ],
    "orders": [policy(stream="pos_oms_orders", price_basis="BASE", base_currency="EUR", price_abs_minor="10")],
}

RATES_OF = {
    "eur": [
        rate("USD", "EUR", "0.5"),
        rate("USD", "EUR", "0.7", "2026-03-01"),
        rate("EUR", "GBP", "0.8"),
        rate("JPY", "EUR", "0.006"),
        rate("KWD", "EUR", "3"),
        rate("AUD", "EUR", "0.5", "2026-02-23"),
        rate("CAD", "EUR", "0.5", "2026-02-22"),
        rate("SEK", "EUR", "0.1", "2026-03-01", ""),
        rate("SEK", "EUR", "0.2", "2026-03-03"),
        rate("NOK", "USD", "0.1"),
        rate("USD", "DKK", "8"),
        rate("ISK", "USD", "0.01", "2026-02-27", "Central Bank"),
        rate("ISK", "EUR", "0.009", "2026-02-26"),
        rate("HUF", "EUR", "0.002", "2026-03-01"),
        rate("CZK", "EUR", "0.000000001"),
        rate("EUR", "BHD", "999999999.999999999"),
        rate("TND", "EUR", "999999999.999999999"),
        rate("MXN", "EUR", "0.05"),
        rate("EUR", "MXN", "10"),
    ],
    "jpy": [rate("EUR", "JPY", "160.5"), rate("JPY", "KWD", "0.002")],
    "kwd": [rate("EUR", "KWD", "0.5"), rate("USD", "KWD", "0.0625")],
    "nobase": [rate("EUR", "CHF", "1.25")],
    "record": [rate("USD", "EUR", "0.5")],
    "contra": [
        rate("USD", "EUR", "0.5"),
        rate("USD", "EUR", "0.6"),
        rate("THB", "EUR", "0.5"),
        rate("THB", "EUR", "0.5", source="somebody else"),
        rate("GBP", "EUR", "0"),
        rate("JPY", "EUR", "-0.006"),
        rate("EUR", "EUR", "2"),
        # Equal ones are one, and what is refused of one day does not hinder another.
        rate("CHF", "EUR", "1.5"),
        rate("CHF", "EUR", "1.5"),
        rate("SEK", "EUR", "0.1", "2026-03-01"),
        rate("SEK", "EUR", "0"),
    ],
    "pivoted": [rate("NOK", "USD", "0.1"), rate("USD", "EUR", "0.5"), rate("GBP", "CHF", "1.1")],
    "changed": [rate("USD", "EUR", "0.5")],
    "forms": [rate("USD", "EUR", "0.5")],
    "orders": [rate("USD", "EUR", "0.5")],
}
# What comes before the second run.
LATER_RATES_OF = {
    "contra": [rate("USD", "EUR", "0.5"), rate("THB", "EUR", "0.5"), rate("JPY", "EUR", "0.006")],
    "changed": [rate("USD", "EUR", "0.6"), rate("GBP", "EUR", "1.25")],
}
# Rates of the project itself, which an org's own of the same day and pair stand before.
SEEDED = [
    rate("USD", "EUR", "0.9", source="seed"),
    rate("PLN", "EUR", "0.25", source="seed"),
    rate("HUF", "EUR", "0.003", source="seed"),
]

MATCHED, PRICE, NO_RATE = "MATCHED", "MISMATCHED PRICE_MISMATCH", "MISMATCHED FX_RATE_MISSING"

CONVERSIONS = [
    # The rate of the day, not that of the day before; a tolerance of nothing.
    pair("eur", "usd", ("100.00", "USD"), ("50.00", "EUR"), MATCHED, (5000, 5000), USD_EUR),
    pair("eur", "usd over", ("100.00", "USD"), ("50.01", "EUR"), PRICE, (5000, 5001), USD_EUR),
    pair("eur", "same currency", ("100.00", "USD"), ("100.00", "USD"), MATCHED, (5000, 5000), USD_EUR),
    pair("eur", "base currency", ("9.99", "EUR"), ("9.99", "EUR"), MATCHED, (999, 999)),
    # Exactly half goes to the even neighbour.
    pair("eur", "half down", ("0.05", "USD"), ("0.02", "EUR"), MATCHED, (2, 2), USD_EUR),
    pair("eur", "half up", ("0.15", "USD"), ("0.08", "EUR"), MATCHED, (8, 8), USD_EUR),
    pair("eur", "half of one", ("0.01", "USD"), ("0.00", "EUR"), MATCHED, (0, 0), USD_EUR),
    pair("eur", "half of three", ("0.03", "USD"), ("0.02", "EUR"), MATCHED, (2, 2), USD_EUR),
    pair("eur", "minus half down", ("-0.05", "USD"), ("-0.02", "EUR"), MATCHED, (-2, -2), USD_EUR),
    pair("eur", "minus half up", ("-0.15", "USD"), ("-0.08", "EUR"), MATCHED, (-8, -8), USD_EUR),
    pair("eur", "zero", ("0.00", "USD"), ("0.00", "EUR"), MATCHED, (0, 0), USD_EUR),
    pair("eur", "sign", ("10.00", "USD"), ("-5.00", "EUR"), PRICE, (500, -500), USD_EUR),
    # Currencies without decimals, and with three.
    pair("eur", "jpy", ("1000", "JPY"), ("6.00", "EUR"), MATCHED, (600, 600)),
    pair("eur", "jpy rounds", ("1", "JPY"), ("0.01", "EUR"), MATCHED, (1, 1)),
    pair("eur", "kwd half up", ("1.005", "KWD"), ("3.02", "EUR"), MATCHED, (302, 302)),
    pair("eur", "kwd half down", ("1.015", "KWD"), ("3.04", "EUR"), MATCHED, (304, 304)),
    pair("jpy", "into jpy", ("0.01", "EUR"), ("2", "JPY"), MATCHED, (2, 2)),
    pair("jpy", "into jpy half", ("1.00", "EUR"), ("160", "JPY"), MATCHED, (160, 160)),
    pair("jpy", "into jpy half up", ("3.00", "EUR"), ("482", "JPY"), MATCHED, (482, 482)),
    pair("jpy", "kwd into jpy", ("0.001", "KWD"), ("0", "JPY"), MATCHED, (0, 0)),
    pair("jpy", "kwd into jpy half up", ("0.003", "KWD"), ("2", "JPY"), MATCHED, (2, 2)),
    pair("kwd", "into kwd", ("0.01", "EUR"), ("0.005", "KWD"), MATCHED, (5, 5)),
    pair("kwd", "into kwd half", ("0.04", "USD"), ("0.002", "KWD"), MATCHED, (2, 2)),
    pair("kwd", "into kwd half up", ("0.12", "USD"), ("0.008", "KWD"), MATCHED, (8, 8)),
    # A pair that is quoted the other way round; where a day quotes both ways, its own way counts.
    pair("eur", "gbp", ("80.00", "GBP"), ("100.00", "EUR"), MATCHED, (10000, 10000)),
    pair("eur", "gbp kept", ("0.02", "GBP"), ("0.02", "EUR"), MATCHED, (2, 2), ("1 / EUR/GBP 0.8", MONDAY, "ECB")),
    pair("eur", "gbp minus half", ("-0.06", "GBP"), ("-0.08", "EUR"), MATCHED, (-8, -8)),
    pair("eur", "both ways", ("1.00", "MXN"), ("0.05", "EUR"), MATCHED, (5, 5), ("MXN/EUR 0.05", MONDAY, "ECB")),
    # The latest before, up to the limit; never one of a later day.
    pair(
        *("eur", "sek", ("10.00", "SEK"), ("1.00", "EUR"), MATCHED, (100, 100)),
        ("SEK/EUR 0.1", date(2026, 3, 1), "unnamed source"),
    ),
    pair("eur", "oldest", ("10.00", "AUD"), ("5.00", "EUR"), MATCHED, (500, 500)),
    pair("eur", "too old", ("10.00", "CAD"), ("5.00", "EUR"), NO_RATE, (None, 500)),
    pair("eur", "too old and far off", ("10.00", "CAD"), ("99.00", "EUR"), NO_RATE, (None, 9900)),
    pair("eur", "target without rate", ("5.00", "EUR"), ("10.00", "ZAR"), NO_RATE, (500, None)),
    pair("eur", "both without rate", ("5.00", "ZAR"), ("10.00", "ZAR"), NO_RATE, (None, None)),
    pair("eur", "day before only", ("10.00", "SEK"), ("1.00", "EUR"), NO_RATE, (None, 100), supplier_id="OLD"),
    pair("eur", "of the day only", ("10.00", "USD"), ("5.00", "EUR"), MATCHED, (500, 500), supplier_id="OLD"),
    # Over a pivot only where the policy names one.
    pair("eur", "no pivot", ("100.00", "NOK"), ("5.00", "EUR"), NO_RATE, (None, 500)),
    pair(
        *("eur", "pivot", ("100.00", "NOK"), ("5.00", "EUR"), MATCHED, (500, 500)),
        ("(NOK/USD 0.1) * (USD/EUR 0.5)", MONDAY, "ECB and ECB"),
        supplier_id="PIV",
    ),
    pair(
        *("eur", "pivot inverse", ("1.60", "DKK"), ("0.10", "EUR"), MATCHED, (10, 10)),
        ("(1 / USD/DKK 8) * (USD/EUR 0.5)", MONDAY, "ECB and ECB"),
        supplier_id="PIV",
    ),
    pair("eur", "pivot itself", ("10.00", "USD"), ("5.00", "EUR"), MATCHED, (500, 500), USD_EUR, supplier_id="PIV"),
    # As old as its older leg; a younger quote of the pair itself would count, an older one does not.
    pair(
        *("eur", "pivot younger", ("1000", "ISK"), ("5.00", "EUR"), MATCHED, (500, 500)),
        ("(ISK/USD 0.01) * (USD/EUR 0.5)", date(2026, 2, 27), "Central Bank and ECB"),
        supplier_id="PIV",
    ),
    pair("eur", "direct without pivot", ("1000", "ISK"), ("9.00", "EUR"), MATCHED, (900, 900)),
    pair("pivoted", "pivot of all", ("100.00", "NOK"), ("5.00", "EUR"), MATCHED, (500, 500)),
    pair("pivoted", "pivot taken back", ("100.00", "NOK"), ("5.00", "EUR"), NO_RATE, (None, 500), supplier_id="NOPIV"),
    pair("pivoted", "no way at all", ("1.00", "GBP"), ("1.00", "EUR"), NO_RATE, (None, 100)),
    # The org's own rate of a day before the project's; of the two the younger.
    pair("eur", "seeded", ("4.00", "PLN"), ("1.00", "EUR"), MATCHED, (100, 100), ("PLN/EUR 0.25", MONDAY, "seed")),
    pair("eur", "younger seed", ("1000.00", "HUF"), ("3.00", "EUR"), MATCHED, (300, 300)),
    pair("jpy", "other base", ("4.00", "PLN"), ("4.00", "PLN"), NO_RATE, (None, None)),
    # Refused rates convert nothing; what contradicted itself is delivered again and then counts.
    pair("contra", "contradicted", ("2.00", "THB"), ("1.00", "EUR"), NO_RATE, (None, 100), later=MATCHED),
    pair("contra", "contradicted, seeded", ("10.00", "USD"), ("9.00", "EUR"), MATCHED, (900, 900), later=PRICE),
    pair("contra", "zero rate", ("2.00", "GBP"), ("1.00", "EUR"), NO_RATE),
    pair("contra", "negative rate", ("1000", "JPY"), ("6.00", "EUR"), NO_RATE, later=MATCHED),
    pair("contra", "said twice", ("2.00", "CHF"), ("3.00", "EUR"), MATCHED, (300, 300)),
    pair("contra", "day before refused", ("10.00", "SEK"), ("1.00", "EUR"), MATCHED, (100, 100)),
    pair("contra", "own currency", ("1.00", "EUR"), ("1.00", "EUR"), MATCHED, (100, 100)),
    # A corrected rate, and one that was missing.
    pair("changed", "corrected", ("10.00", "USD"), ("6.00", "EUR"), PRICE, (500, 600), later=MATCHED),
    pair("changed", "spoilt", ("10.00", "USD"), ("5.00", "EUR"), MATCHED, (500, 500), later=PRICE),
    pair("changed", "found", ("4.00", "GBP"), ("5.00", "EUR"), NO_RATE, (None, 500), later=MATCHED),
    # Where no base currency is named, the source's serves.
    pair("nobase", "source", ("10.00", "EUR"), ("12.50", "CHF"), MATCHED, (1000, 1000)),
    pair("nobase", "source, the other way", ("12.50", "CHF"), ("10.00", "EUR"), MATCHED, (1250, 1250)),
    pair("nobase", "no rate", ("10.00", "EUR"), ("10.00", "ZAR"), NO_RATE, (1000, None)),
    pair("nobase", "one currency", ("10.00", "CHF"), ("10.01", "CHF"), PRICE, (1000, 1001)),
    # In the record's own currency where the policy says so.
    pair("record", "currencies", ("10.00", "USD"), ("5.00", "EUR"), "MISMATCHED CURRENCY_MISMATCH", (None, None)),
    pair("record", "amounts", ("10.00", "USD"), ("10.01", "USD"), PRICE, (None, None)),
    pair("record", "equal", ("10.00", "ZAR"), ("10.00", "ZAR"), MATCHED, (None, None)),
    pair("eur", "record of one", ("10.00", "ZAR"), ("10.00", "ZAR"), MATCHED, (None, None), supplier_id="REC"),
    # A refused policy row is as if it were not there: what is compared in is then the source's currency.
    pair("refused", "refused", ("10.00", "CHF"), ("10.00", "CHF"), MATCHED, (1000, 1000)),
    # What is no amount that a rate could be multiplied with is unknown, and unknown is not equal.
    pair(
        "eur",
        "largest",
        (LARGEST_CONVERTED, "USD"),
        ("4999999999999.99", "EUR"),
        PRICE,
        (500000000000000, 499999999999999),
    ),
    pair("eur", "huge", (HUGE, "USD"), ("5000000000000.00", "EUR"), PRICE, (None, 500000000000000)),
    pair("eur", "minus huge", ("-" + HUGE, "USD"), ("-" + HUGE, "USD"), PRICE, (None, None)),
    pair("eur", "beyond", (BEYOND, "USD"), ("-" + BEYOND, "EUR"), PRICE, (None, -999999999999999999)),
    pair("eur", "huge in base", (BEYOND, "EUR"), (BEYOND, "EUR"), MATCHED, (999999999999999999, 999999999999999999)),
    pair("eur", "huge apart", (BEYOND, "EUR"), ("-" + BEYOND, "EUR"), PRICE, (999999999999999999, -999999999999999999)),
    pair("eur", "too much for a number", ("999999999999.999", "TND"), ("1.00", "EUR"), PRICE, (None, 100)),
    pair("eur", "inverse of the largest", ("0.001", "BHD"), ("0.00", "EUR"), MATCHED, (0, 0)),
    pair("eur", "next to nothing", ("1000.00", "CZK"), ("0.00", "EUR"), MATCHED, (0, 0)),
]

TOLERANCES = [
    # max(1.00, 1 per cent): the absolute limit below 100.00, the relative one above; equal to the limit passes.
    pair("eur", "abs at", ("50.00", "EUR"), ("51.00", "EUR"), MATCHED, supplier_id="TOL"),
    pair("eur", "abs over", ("50.00", "EUR"), ("51.01", "EUR"), PRICE, supplier_id="TOL"),
    pair("eur", "pct at", ("200.00", "EUR"), ("198.00", "EUR"), MATCHED, supplier_id="TOL"),
    pair("eur", "pct over", ("200.00", "EUR"), ("197.99", "EUR"), PRICE, supplier_id="TOL"),
    pair("eur", "pct over above", ("200.00", "EUR"), ("202.01", "EUR"), PRICE, supplier_id="TOL"),
    # Of the amount in the base currency: 400.00 USD are 200.00 EUR.
    pair("eur", "base pct at", ("400.00", "USD"), ("202.00", "EUR"), MATCHED, (20000, 20200), supplier_id="TOL"),
    pair("eur", "base pct over", ("400.00", "USD"), ("202.01", "EUR"), PRICE, (20000, 20201), supplier_id="TOL"),
    pair("eur", "base abs at", ("-10.00", "USD"), ("-4.00", "EUR"), MATCHED, (-500, -400), supplier_id="TOL"),
    pair("eur", "base abs over", ("-10.00", "USD"), ("-3.99", "EUR"), PRICE, (-500, -399), supplier_id="TOL"),
    # A third of 3.00 is 0.999999999.
    pair("eur", "nine decimals", ("3.00", "EUR"), ("3.99", "EUR"), MATCHED, supplier_id="PCT"),
    pair("eur", "nine decimals over", ("3.00", "EUR"), ("4.00", "EUR"), PRICE, supplier_id="PCT"),
]

STATUSES = [
    sides(f"{source} {target}", expected, {"status": source}, {"status": target})
    for source, target, expected in (
        ("BOOKED", "confirmed", MATCHED),
        ("BOOKED", "REFUNDED", "MISMATCHED STATUS_MISMATCH"),
        ("REFUNDED", "BOOKED", "MISMATCHED STATUS_MISMATCH"),
        ("BOOKED", "CANCELLED", "MISMATCHED STATUS_MISMATCH"),
        ("REFUNDED", "CANCELLED", MATCHED),
        ("Cancelled", "Refunded", MATCHED),
        ("no such word", "BOOKED", "MISMATCHED STATUS_MISMATCH"),
    )
]

NINE = "2026-03-02T09:00:00Z"
SKEWS = [
    sides(f"{supplier} {time}", expected, {}, {"event_time": time}, supplier_id=supplier)
    for supplier, time, expected in (
        ("S1", "2026-03-02T09:15:00Z", MATCHED),
        ("S1", "2026-03-02T09:15:00.000001Z", "MISMATCHED TIMESTAMP_SKEW"),
        ("S1", "2026-03-02T08:44:59Z", "MISMATCHED TIMESTAMP_SKEW"),
        ("S1", "2026-03-02T10:00:00+01:00", MATCHED),
        ("SKEW", NINE, MATCHED),
        ("SKEW", "2026-03-02T09:00:01Z", "MISMATCHED TIMESTAMP_SKEW"),
    )
]

DIFFERS = "MISMATCHED ATTRIBUTE_MISMATCH"
ATTRIBUTES = [
    sides("similar", MATCHED, {"guest_name": "O'Neil-Smith, Ann"}, {"guest_name": " oneil SMITH\u00a0ann"}),
    sides("not similar", DIFFERS, {"guest_name": "Ann O'Neil"}, {"guest_name": "O'Neil, Ann"}),
    sides("accents differ", DIFFERS, {"guest_name": "García"}, {"guest_name": "Garcia"}),
    sides("nights", MATCHED, {"nights": "2"}, {"nights": "02"}),
    sides("other nights", DIFFERS, {"nights": "2"}, {"nights": "3"}),
    sides("blank nights", MATCHED, {"nights": "2"}, {"nights": ""}),
    sides("blank name", MATCHED, {"guest_name": ""}, {"guest_name": "Ann"}),
    sides("check_in", MATCHED, {"check_in": "2026-04-01"}, {"check_in": "2026-04-01"}),
    sides("other check_in", DIFFERS, {"check_in": "2026-04-01"}, {"check_in": "2026-04-02"}),
    sides(
        "all differ",
        DIFFERS,
        {"guest_name": "Ann", "nights": "1", "check_in": "2026-04-01"},
        {"guest_name": "Bob", "nights": "2", "check_in": "2026-04-02"},
    ),
]

EVERYTHING = Case(
    "eur",
    "all at once",
    [activity("all at once", "10.00", guest_name="Ann")],
    [activity("all at once", "11.00", guest_name="Bob", status="REFUNDED", event_time="2026-03-02T10:00:00Z")],
    "MISMATCHED ATTRIBUTE_MISMATCH,PRICE_MISMATCH,STATUS_MISMATCH,TIMESTAMP_SKEW",
)

COPY = activity("copy", "7.00")
CONFLICTS = [activity("conflict", "7.00"), activity("conflict", "7.50")]
RECENT = "2026-03-02T11:00:00.000001Z"
EXISTENCE = [
    Case("eur", "only sold", [activity("only sold", "7.00")], [], "MISSING_TARGET MISSING_SUPPLIER"),
    Case("eur", "only fulfilled", [], [activity("only fulfilled", "7.00")], "MISSING_SOURCE MISSING_AGGREGATOR"),
    # The hour of grace is over at the very moment.
    Case(
        *("eur", "in grace", [activity("in grace", "7.00", event_time=RECENT)], []),
        "PENDING IN_GRACE",
        later="MISSING_TARGET MISSING_SUPPLIER",
    ),
    Case(
        *("eur", "at its end", [], [activity("at its end", "7.00", event_time="2026-03-02T11:00:00Z")]),
        "MISSING_SOURCE MISSING_AGGREGATOR",
    ),
    Case("eur", "patient", [activity("patient", "7.00", supplier_id="PATIENT")], [], "PENDING IN_GRACE"),
    Case("one_side", "alone", [activity("alone", "7.00")], [], "PENDING FEED_LATE"),
    # What comes after its time is matched, and says that it is late; what comes within it is not.
    Case(
        *("eur", "late", [activity("late", "7.00")], [], "MISSING_TARGET MISSING_SUPPLIER"),
        later_target=[activity("late", "7.00")],
        later="MATCHED LATE",
    ),
    Case(
        *("eur", "late and wrong", [], [activity("late and wrong", "7.00")], "MISSING_SOURCE MISSING_AGGREGATOR"),
        later_source=[activity("late and wrong", "8.00")],
        later="MISMATCHED PRICE_MISMATCH LATE",
    ),
    Case(
        *("eur", "in time", [activity("in time", "7.00", supplier_id="PATIENT")], [], "PENDING IN_GRACE"),
        later_target=[activity("in time", "7.00", supplier_id="PATIENT")],
        later=MATCHED,
    ),
    # The highest version takes part, in whichever order they come.
    Case(
        *("eur", "versions", [activity("versions", "7.00"), activity("versions", "8.00", version="2")]),
        [activity("versions", "8.00", version="10"), activity("versions", "9.00", version="9")],
        MATCHED,
    ),
    Case(
        *("eur", "new version", [activity("new version", "7.00")], [activity("new version", "7.00")], MATCHED),
        later_target=[activity("new version", "9.00", version="2")],
        # What is compared now came after the hour.
        later=f"{PRICE} LATE",
    ),
    Case(
        *("eur", "old version", [activity("old version", "7.00")], [activity("old version", "7.00", version="3")]),
        MATCHED,
        later_target=[activity("old version", "9.00", version="2")],
    ),
    # A surplus copy in one delivery is a duplicate; the same row again in a later delivery is not.
    Case("eur", "copy", [COPY], [COPY, COPY], "DUPLICATE DUPLICATE_SUPPLIER + MATCHED", later_target=[COPY]),
    Case(
        *("eur", "copies", [activity("copies", "7.00")] * 3, [activity("copies", "7.00")]),
        "DUPLICATE DUPLICATE_AGGREGATOR + DUPLICATE DUPLICATE_AGGREGATOR + MATCHED",
    ),
    # Contradicting contents of one version refuse the record and its counterpart, until a higher version settles it.
    Case(
        *("eur", "conflict", [CONFLICTS[0]], CONFLICTS),
        " + ".join(["AMBIGUOUS CONFLICT_SUPPLIER"] * 3),
        later_target=[activity("conflict", "7.00", version="2")],
        later="MATCHED LATE",
    ),
    # An attribute is content too.
    Case(
        *("eur", "conflict of nights", [], [activity("conflict of nights", "7.00", nights=n) for n in ("1", "2")]),
        " + ".join(["AMBIGUOUS CONFLICT_SUPPLIER"] * 2),
    ),
    # What was rejected on the other side is not missing.
    Case(
        *("eur", "rejected", [activity("rejected", "7.00")], [activity("rejected", "seven")]),
        "MISSING_TARGET REJECTED_SUPPLIER",
        later_target=[activity("rejected", "7.00")],
        later="MATCHED LATE",
    ),
    Case(
        *("eur", "stale", [activity("stale", "7.00")]),
        [activity("stale", "7.00"), activity("stale", "8.00", version="2", nights="-1")],
        "MISMATCHED STALE_VERSION",
    ),
]

FORMS = [
    pair("forms", f"form {number}", (f"{number}.10", "USD"), (f"{number + 1}.55" if wrong else "0.05", "EUR"), expected)
    for number, wrong, expected in ((0, False, MATCHED), (1, True, PRICE))
]

CASES = [*CONVERSIONS, *TOLERANCES, *STATUSES, *SKEWS, *ATTRIBUTES, EVERYTHING, *EXISTENCE, *FORMS]


def sale(reference: str, amount: str, **others: str) -> Row:
    """A supplier's sale of a booking."""
    return activity(f"{reference} sale", amount, order_ref=reference, **others)


def refund(reference: str, amount: str, **others: str) -> Row:
    """A supplier's refund of a booking."""
    given = {"activity_type": "refund", "status": "REFUNDED", "order_ref": reference, "event_time": RECENT, **others}
    return activity(f"{reference or 'nameless'} refund", amount, **given)


# Of an org of its own, whose aggregator never delivers: only what its supplier's records say of each other counts.
CONSISTENCY = [
    *(sale("R1", "50.00"), refund("R1", "-50.00")),
    *(sale("R2", "50.00"), refund("R2", "50.01")),
    *(sale("R3", "50.00", currency="USD"), refund("R3", "50.00")),
    refund("R4", "-1.00"),
    *(sale("R5", "50.00", event_time="2026-03-02T11:00:01Z"), refund("R5", "50.00")),
    *(sale("R6", "50.00", event_time=RECENT), refund("R6", "50.00")),
    refund("", "50.00"),
    # A version of a sale that was replaced since was a sale all the same.
    *(sale("R8", "50.00"), sale("R8", "20.00", version="2", event_time="2026-03-02T09:30:00Z"), refund("R8", "-40.00")),
    *(activity("V1", "1.00"), activity("V1", "1.00", version="2", event_time="2026-03-02T08:59:59Z")),
    *(activity("V2", "1.00"), activity("V2", "1.00", version="2", event_time="2026-03-02T09:00:00Z")),
    *(activity("V3", "1.00", version="5"), activity("V3", "1.00", version="7", event_time="2026-03-02T10:00:00Z")),
]
BROKEN = {
    *(("rules", "REFUND_WITHOUT_SALE", f"{reference} refund") for reference in ("R2", "R3", "R4", "R5")),
    ("rules", "VERSION_WENT_BACK", "V1"),
}
# R4's sale comes, R1's refund grows, V1 is told anew, and V2 goes back.
LATER_CONSISTENCY = [
    sale("R4", "1.00"),
    refund("R1", "-60.00", version="2"),
    activity("V1", "1.00", version="3"),
    activity("V2", "1.00", version="3", event_time="2026-03-02T08:00:00Z"),
]
LATER_BROKEN = BROKEN - {("rules", "REFUND_WITHOUT_SALE", "R4 refund"), ("rules", "VERSION_WENT_BACK", "V1")} | {
    ("rules", "REFUND_WITHOUT_SALE", "R1 refund"),
    ("rules", "VERSION_WENT_BACK", "V2"),
}


def order(feed: str, order_id: str, total: str, currency: str) -> Row:
    """A record of POS or OMS."""
    place, when = ("store_id", "created_at") if feed.startswith("pos") else ("location_id", "placed")
    row = {"status": "PAID", "total": total, "currency": currency, place: "S1", when: NINE}
    if feed.startswith("pos"):
        return {"order_id": order_id, "updated_at": NINE, **row}
    return {"Order No": order_id, "state": "shipped", "modified_at": NINE, "rev": "1"} | {
        key: value for key, value in row.items() if key != "status"
    }


ORDERS = {
    "converted": (("10.00", "USD"), ("5.10", "EUR"), MATCHED),
    "over": (("10.00", "USD"), ("5.11", "EUR"), PRICE),
    "no rate": (("10.00", "GBP"), ("10.00", "EUR"), NO_RATE),
}


def delivered(folder: Folder) -> None:
    """What comes before the first run."""
    for org_id, rows in POLICIES_OF.items():
        put(folder, org_id, POLICIES, rows, "policies.csv")
    for org_id, rows in RATES_OF.items():
        put(folder, org_id, RATES, rows, "rates.csv")
    for org_id in dict.fromkeys(case.org_id for case in CASES):
        for feed, form, rows in (
            (AGGREGATOR, "jsonl", [row for case in CASES if case.org_id == org_id for row in case.source]),
            (SUPPLIER, "parquet", [row for case in CASES if case.org_id == org_id for row in case.target]),
        ):
            if rows:
                put(folder, org_id, feed, rows, f"first.{form if org_id == 'forms' else 'csv'}")
    put(folder, "rules", SUPPLIER, CONSISTENCY, "first.csv")
    for feed, place in (("pos/orders", 0), ("oms/orders", 1)):
        for org_id in ("orders", "orders_unconverted"):
            put(folder, org_id, feed, [order(feed, name, *sides[place]) for name, sides in ORDERS.items()], "first.csv")


def delivered_later(folder: Folder) -> None:
    """What comes before the second run."""
    for org_id, rows in LATER_RATES_OF.items():
        put(folder, org_id, RATES, rows, "later.csv")
    put(folder, "eur", AGGREGATOR, [row for case in CASES for row in case.later_source], "later.csv")
    put(folder, "eur", SUPPLIER, [row for case in CASES for row in case.later_target], "later.csv")
    put(folder, "rules", SUPPLIER, LATER_CONSISTENCY, "later.csv")


@dataclass(frozen=True)
class Lived:
    """A folder after both runs, and what was seen after each."""

    folder: Folder
    hashes: tuple[Outcome, Outcome]
    verdicts: tuple[dict[tuple[str, str], str], dict[tuple[str, str], str]]
    findings: tuple[set[tuple[str, str, str]], set[tuple[str, str, str]]]
    evidence: dict[tuple[str, str], tuple[object, ...]]


EVIDENCE = "source_base_minor, target_base_minor, source_rate, source_rate_date, source_rate_source"


@pytest.fixture(scope="module")
def rules_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stream beside POS and OMS, which it must leave as they are, and rates in the seed."""
    project = core_project(tmp_path_factory.mktemp("rules") / "project", ("pos_oms_orders", "bookings"))
    seed = project / "seeds" / "fx_rates.csv"
    columns = seed.read_text(encoding="utf-8").splitlines()[0].split(",")
    lines = [",".join(row[column] for column in columns) for row in SEEDED]
    seed.write_text("\n".join([",".join(columns), *lines, ""]), encoding="utf-8")
    return project


def findings(folder: Folder) -> set[tuple[str, str, str]]:
    """What is open of the consistency rules."""
    return {found for found in exceptions(folder) if found[1] in ("REFUND_WITHOUT_SALE", "VERSION_WENT_BACK")}


def live(folder: Folder) -> Lived:
    """Both runs."""
    delivered(folder)
    first = run(folder, FIRST)
    seen, broken, evidence = verdicts(folder), findings(folder), rows_by_key(folder, EVIDENCE, "result <> 'DUPLICATE'")
    delivered_later(folder)
    second = run(folder, SECOND)
    return Lived(folder, (first, second), (seen, verdicts(folder)), (broken, findings(folder)), evidence)


@pytest.fixture(scope="module")
def lived_on_duckdb(rules_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """Both runs on DuckDB."""
    return live(of_project(tmp_path_factory.mktemp("rules") / "duckdb", "duckdb", rules_project, {}))


@pytest.fixture(scope="module")
def lived_on_postgres(rules_project: Path, tmp_path_factory: pytest.TempPathFactory, postgres_server: Server) -> Lived:
    """Both runs on Postgres."""
    root = tmp_path_factory.mktemp("rules") / "postgres"
    return live(of_project(root, "postgres", rules_project, postgres_server.new_database()))


@pytest.fixture
def lived(request: pytest.FixtureRequest) -> Lived:
    """Both runs on the engine that a test is given."""
    found: Lived = request.getfixturevalue(f"lived_on_{request.param}")
    return found


# The folders are lived through once: two workers would each do it for themselves.
pytestmark = pytest.mark.xdist_group("bookings-rules")
on_both = pytest.mark.parametrize("lived", BOTH, indirect=True)


def test_a_case_is_told_once() -> None:
    keys = [(case.org_id, case.activity_id) for case in CASES]
    assert sorted(set(keys)) == sorted(keys)


@on_both
def test_every_verdict(lived: Lived) -> None:
    due = {(case.org_id, case.activity_id): case.expected for case in CASES}
    assert _of(lived.verdicts[0], due) == due
    # Nothing else is said of these orgs.
    assert {key for key in lived.verdicts[0] if key[0] != "rules"} == due.keys()


@on_both
def test_every_verdict_after_what_came_later(lived: Lived) -> None:
    due = {(case.org_id, case.activity_id): case.later or case.expected for case in CASES}
    assert _of(lived.verdicts[1], due) == due


def _of(found: dict[tuple[str, str], str], due: dict[tuple[str, str], str]) -> dict[tuple[str, str], str]:
    """What was found of what is due, so that a difference shows only that."""
    return {key: said for key, said in found.items() if key in due}


@on_both
def test_amounts_in_the_base_currency_and_their_rates(lived: Lived) -> None:
    for case in CASES:
        kept = lived.evidence[(case.org_id, case.activity_id)]
        if case.base is not None:
            assert kept[:2] == case.base, case
        if case.rate is not None:
            assert kept[2:] == case.rate, case


@on_both
def test_both_rates_and_the_difference_are_kept(lived: Lived) -> None:
    columns = "base_currency, source_rate, target_rate, target_rate_date, target_rate_source, base_difference_minor"
    found = rows_by_key(lived.folder, columns, "org_id in ('eur', 'nobase')")
    assert found[("eur", "same currency")] == ("EUR", "USD/EUR 0.5", *USD_EUR, 0)
    assert found[("eur", "usd over")] == ("EUR", "USD/EUR 0.5", None, None, None, -1)
    assert found[("eur", "base currency")] == ("EUR", None, None, None, None, 0)
    assert found[("eur", "too old")] == ("EUR", None, None, None, None, None)
    assert found[("eur", "only sold")] == (None,) * 6
    assert found[("eur", "record of one")] == (None,) * 6
    assert found[("nobase", "source")] == ("EUR", None, "1 / EUR/CHF 1.25", MONDAY, "ECB", 0)


@on_both
def test_attributes_are_named_with_both_values(lived: Lived) -> None:
    found = rows_by_key(lived.folder, "attribute_differences", "attribute_differences is not null")
    assert {key[1]: said[0] for key, said in found.items()} == {
        "not similar": "guest_name: Ann O'Neil / O'Neil, Ann",
        "accents differ": "guest_name: García / Garcia",
        "other nights": "nights: 2 / 3",
        "other check_in": "check_in: 2026-04-01 / 2026-04-02",
        "all differ": "check_in: 2026-04-01 / 2026-04-02; guest_name: Ann / Bob; nights: 1 / 2",
        "all at once": "guest_name: Ann / Bob",
    }


@on_both
def test_rules_across_records(lived: Lived) -> None:
    assert lived.findings == (BROKEN, LATER_BROKEN)
    closed = exceptions(lived.folder, "state <> 'OPEN' and org_id = 'rules'")
    assert closed == BROKEN - LATER_BROKEN


@on_both
def test_refused_rates_and_policies_are_shown(lived: Lived) -> None:
    found = lived.folder.published(
        "select feed, row_number, reasons from marts.rejected_records where feed like 'tieout/%' order by all"
    )
    rates = RATES_OF["contra"]
    contradicting = "contradicts_another_row_received_together"
    assert found == sorted(
        [
            *(
                (RATES, number, contradicting)
                for number, row in enumerate(rates, 1)
                if row["from_currency"] in ("USD", "THB")
            ),
            *((RATES, n, "rate: not_above_zero") for n, row in enumerate(rates, 1) if row["rate"] == "0"),
            *((RATES, n, "rate: below_minimum") for n, row in enumerate(rates, 1) if row["rate"][0] == "-"),
            *((RATES, n, "rate: a_currency_is_worth_itself") for n, row in enumerate(rates, 1) if row["rate"] == "2"),
            (POLICIES, 1, "fx_pivot: unknown_currency"),
            (POLICIES, 2, "mode: not_hourly_or_daily"),
            (POLICIES, 3, "price_basis: not_record_or_base"),
        ]
    )


@on_both
def test_other_streams_convert_where_their_policy_says_so(lived: Lived) -> None:
    found = verdicts(lived.folder, "pos_oms_orders")
    assert found == {("orders", name): said for name, (_, _, said) in ORDERS.items()} | {
        ("orders_unconverted", name): "MISMATCHED CURRENCY_MISMATCH" for name in ORDERS
    }


@on_both
def test_a_missing_verdict_closes_when_its_record_comes(lived: Lived) -> None:
    for name in ("late", "late and wrong"):
        states = lived.folder.published(
            "select anomaly, state from marts.exceptions where org_id = 'eur'"
            f" and coalesce(source_activity_id, target_activity_id) = '{name}' order by all"
        )
        assert [state for anomaly, state in states if anomaly.startswith("MISSING_")] == ["RESOLVED"], states
        assert [anomaly for anomaly, state in states if state == "OPEN"] == ["PRICE_MISMATCH"] * (name != "late")
    delays = rows_by_key(lived.folder, "late_by_seconds", "is_late")
    # Five hours after the hour of grace that began at nine.
    assert delays[("eur", "late")] == (5 * 3600,)


@pytest.mark.postgres
def test_both_engines_and_a_build_from_nothing_say_the_same(lived_on_duckdb: Lived, lived_on_postgres: Lived) -> None:
    hashes = [[outcome.results_hash for outcome in lived.hashes] for lived in (lived_on_duckdb, lived_on_postgres)]
    assert hashes[0] == hashes[1]
    kept = [everything_kept(lived.folder) for lived in (lived_on_duckdb, lived_on_postgres)]
    assert kept[0] == kept[1]
    rebuilt = run(lived_on_duckdb.folder, SECOND, "--full-refresh")
    assert rebuilt.results_hash == hashes[0][1]
    assert everything_kept(lived_on_duckdb.folder) == kept[0]


def everything_kept(folder: Folder) -> list[tuple[object, ...]]:
    """Every result by its id, with what it keeps beside what its hash is over."""
    return folder.published(
        "select result_id, result, anomalies, reason, is_late, late_by_seconds, rule_version, base_currency,"
        f" base_difference_minor, {EVIDENCE}, target_rate, target_rate_date, target_rate_source, attribute_differences"
        " from marts.reconciliation_results order by all"
    )
