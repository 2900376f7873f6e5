"""The oracle against cases worked out by hand from the design: who watches the watchman."""

import hashlib
from collections.abc import Sequence
from datetime import date, datetime
from fractions import Fraction

import pytest

from tests.python.oracle import Answer, Delivery, ResultRow, answer, results_hash, text
from tests.python.oracle.answer import FEW_CURRENCIES
from tests.python.oracle.deliveries import OMS, POLICIES, POS
from tests.python.oracle.make import NOON, at, delivered, moved, oms, policy, pos
from tests.python.oracle.records import FEEDS, Feed

DAY = "03-02 20:00"


def ask(deliveries: Sequence[Delivery], as_of: str | datetime = "03-03 00:00") -> Answer:
    """The oracle's answer with the few currencies that these cases use."""
    return answer("acme", deliveries, at(as_of) if isinstance(as_of, str) else as_of, FEW_CURRENCIES)


def ask_pair(source: dict[str, str], target: dict[str, str], *policies: dict[str, str]) -> ResultRow:
    """The one result of one record a side."""
    deliveries = [delivered(POS, DAY, [source]), delivered(OMS, DAY, [target]), delivered(POLICIES, DAY, policies)]
    (row,) = ask(deliveries).rows
    return row


def verdicts(given: Answer) -> list[tuple[str, str, str, str | None, str | None]]:
    """Step, result, anomalies and the two ids of every row, sorted."""
    rows = [(r.step, r.result, r.anomalies, r.business()[6], r.business()[8]) for r in given.rows]
    return sorted(rows, key=lambda row: [part or "" for part in row])


# --- text ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("blank", [" ", "\t", "\u00a0", "\u1680", "\u2007", "\u200a", "\u202f", "\u3000", "\ufeff"])
def test_blanks_of_the_list_are_trimmed(blank: str) -> None:
    assert text.trimmed(f"{blank}a{blank}b{blank}") == f"a{blank}b"
    assert text.trimmed(blank) is None


def test_what_is_not_on_the_list_stays() -> None:
    assert text.trimmed("\u200ba\u200b") == "\u200ba\u200b"
    assert text.trimmed(None) is None


@pytest.mark.parametrize(
    ("written", "exponent", "minor"),
    [
        ("10", 2, 1000),
        ("10.5", 2, 1050),
        ("+10.50", 2, 1050),
        ("-0.01", 2, -1),
        ("-0", 2, 0),
        ("1200.00", 0, 1200),
        ("1.234", 3, 1234),
        ("1.2340", 3, 1234),
        ("0000000000000000000000001", 2, 100),
        ("9999999999999999.99", 2, 999999999999999999),
        ("999999999999999999", 0, 999999999999999999),
    ],
)
def test_amounts(written: str, exponent: int, minor: int) -> None:
    assert text.parse_amount(written, exponent) == minor


@pytest.mark.parametrize(
    ("written", "exponent", "code"),
    [
        ("1e3", 2, text.UNREADABLE_AMOUNT),
        ("NaN", 2, text.UNREADABLE_AMOUNT),
        ("1,000.00", 2, text.UNREADABLE_AMOUNT),
        ("1 000", 2, text.UNREADABLE_AMOUNT),
        ("10.", 2, text.UNREADABLE_AMOUNT),
        (".5", 2, text.UNREADABLE_AMOUNT),
        ("--1", 2, text.UNREADABLE_AMOUNT),
        ("$1", 2, text.UNREADABLE_AMOUNT),
        ("١", 2, text.UNREADABLE_AMOUNT),
        ("10.001", 2, text.TOO_MANY_DECIMALS),
        ("1200.50", 0, text.TOO_MANY_DECIMALS),
        ("1.2345", 3, text.TOO_MANY_DECIMALS),
        ("10000000000000000.00", 2, text.AMOUNT_OUT_OF_RANGE),
        ("1000000000000000000", 0, text.AMOUNT_OUT_OF_RANGE),
    ],
)
def test_amounts_that_do_not_type(written: str, exponent: int, code: str) -> None:
    with pytest.raises(text.UnreadableError, match=f"^{code}$"):
        text.parse_amount(written, exponent)


def test_a_declared_decimal_comma() -> None:
    assert text.parse_amount("1.234,50", 2, ",", ".") == 123450
    with pytest.raises(text.UnreadableError, match=text.UNREADABLE_AMOUNT):
        text.parse_amount("1234.50", 2, ",", "")
    assert text.parse_amount("1.234.567", 2, ",", ".") == 123456700
    for written in ("1.2", "1.2345", "1234.567", ".123", "1..234", "1.234.56"):
        with pytest.raises(text.UnreadableError, match=text.UNREADABLE_AMOUNT):
            text.parse_amount(written, 2, ",", ".")


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2026-03-02T12:00:00Z", "2026-03-02T12:00:00+00:00"),
        ("2026-03-02 12:00", "2026-03-02T12:00:00+00:00"),
        ("2026-03-02T12:00:00.1234567Z", "2026-03-02T12:00:00.123456+00:00"),
        ("2026-03-02T12:00:00.9999999Z", "2026-03-02T12:00:00.999999+00:00"),
        ("2026-03-02T12:00:00+05:30", "2026-03-02T06:30:00+00:00"),
        ("2026-03-02T12:00:00-0800", "2026-03-02T20:00:00+00:00"),
        ("2026-03-02T12:00+01", "2026-03-02T11:00:00+00:00"),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00+00:00"),
        ("2026-03-02T12:00:00+14:00", "2026-03-01T22:00:00+00:00"),
        ("0001-01-01T00:00:00-01:00", "0001-01-01T01:00:00+00:00"),
    ],
)
def test_times(written: str, instant: str) -> None:
    assert text.parse_time(written) == datetime.fromisoformat(instant)


@pytest.mark.parametrize(
    "written",
    [
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-03-02T24:00:00Z",
        "2026-03-02T12:60:00Z",
        "2026-03-02T12:00:60Z",
        "2026-03-02",
        "2026-03-02  12:00",
        "2026-03-02T12:00:00.1234567890Z",
        "2026-03-02T12:00:00.",
        "03/02/2026 12:00",
        "1772452800",
        "2026-3-2T12:00:00Z",
        "2026-03-02t12:00:00z",
        "2026-03-02T12:00:00+14:01",
        "2026-03-02T12:00:00-15",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
    ],
)
def test_times_that_do_not_type(written: str) -> None:
    with pytest.raises(text.UnreadableError, match=text.UNREADABLE_TIME):
        text.parse_time(written)


def test_daylight_saving() -> None:
    # Berlin: 02:00 -> 03:00 on 29 March 2026, 03:00 -> 02:00 on 25 October 2026.
    assert text.parse_time("2026-10-25T02:30:00", "Europe/Berlin") == datetime.fromisoformat("2026-10-25T01:30+00:00")
    assert text.parse_time("2026-10-25T02:30:00+02:00", "Europe/Berlin") == datetime.fromisoformat(
        "2026-10-25T00:30+00:00"
    )
    assert text.parse_time("2026-07-01T12:00", "America/New_York") == datetime.fromisoformat("2026-07-01T16:00+00:00")
    with pytest.raises(text.UnreadableError, match=text.NONEXISTENT_LOCAL_TIME):
        text.parse_time("2026-03-29T02:30:00", "Europe/Berlin")
    # Neither its instant nor its local day may leave the years 0001 to 9999.
    for written in ("0001-01-01T00:00:00", "9999-12-31T23:30:00Z"):
        with pytest.raises(text.UnreadableError, match=text.UNREADABLE_TIME):
            text.parse_time(written, "Europe/Berlin")


def test_integers_decimals_and_currencies() -> None:
    assert text.parse_integer("0000000000000000000007") == 7
    assert text.parse_integer("-999999999999999999") == -999999999999999999
    for written in ("1000000000000000000", "1.0", "1e2", "", "٣"):
        with pytest.raises(text.UnreadableError, match=text.UNREADABLE_INTEGER):
            text.parse_integer(written)
    for written in ("0.0100000000", "00000000000.01", "+0.010"):
        assert text.parse_decimal(written) == Fraction(1, 100)
    for written in ("0.0100000001", "1000000000", ".5", "1e-2"):
        with pytest.raises(text.UnreadableError, match=text.UNREADABLE_DECIMAL):
            text.parse_decimal(written)
    assert text.parse_currency("usd", FEW_CURRENCIES) == "USD"
    for written in ("US", "XXY", "$", "uſd"):
        with pytest.raises(text.UnreadableError, match=text.UNKNOWN_CURRENCY):
            text.parse_currency(written, FEW_CURRENCIES)


# --- one pair and its checks --------------------------------------------------------------------------------------


def test_a_plain_match_in_every_column() -> None:
    assert ask_pair(pos(), oms()) == ResultRow(
        org_id="acme",
        stream="pos_oms_orders",
        step="by_order_id",
        result="MATCHED",
        anomalies="",
        source_system="pos",
        source_activity_id="A",
        target_system="oms",
        target_activity_id="A",
        counterparty_id="S1",
        business_date=date(2026, 3, 2),
        source_currency="USD",
        target_currency="USD",
        source_amount_minor=1000,
        target_amount_minor=1000,
        difference_minor=0,
        source_status="BOOKED",
        target_status="BOOKED",
        skew_microseconds=0,
    )


@pytest.mark.parametrize(
    ("source", "target", "tolerance", "anomalies", "difference"),
    [
        ({}, {"order_total": "10.01"}, {}, "PRICE_MISMATCH", -1),
        ({}, {"order_total": "9.99"}, {"price_abs_minor": "1"}, "", 1),
        ({}, {"order_total": "9.98"}, {"price_abs_minor": "1"}, "PRICE_MISMATCH", 2),
        # One per cent of 10.00 is 10 minor units; the larger of the two limits holds.
        ({}, {"order_total": "10.10"}, {"price_pct": "0.01"}, "", -10),
        ({}, {"order_total": "10.11"}, {"price_pct": "0.01"}, "PRICE_MISMATCH", -11),
        ({}, {"order_total": "10.11"}, {"price_pct": "0.01", "price_abs_minor": "11"}, "", -11),
        # The percentage is of the source's absolute amount.
        ({"total": "-10.00"}, {"order_total": "-9.90"}, {"price_pct": "0.01"}, "", -10),
        ({"total": "0"}, {"order_total": "0.01"}, {"price_pct": "0.99"}, "PRICE_MISMATCH", -1),
        # Exact: 0.1 per cent of 9.99 is 0.999 minor units.
        ({"total": "9.99"}, {"order_total": "10.00"}, {"price_pct": "0.001"}, "PRICE_MISMATCH", -1),
        ({"currency": "JPY", "total": "1200.00"}, {"currency": "JPY", "order_total": "1200"}, {}, "", 0),
        ({"currency": "KWD", "total": "1.001"}, {"currency": "KWD", "order_total": "1.002"}, {}, "PRICE_MISMATCH", -1),
        # No price check between currencies.
        ({}, {"currency": "EUR", "order_total": "99"}, {}, "CURRENCY_MISMATCH", None),
    ],
)
def test_price(
    source: dict[str, str], target: dict[str, str], tolerance: dict[str, str], anomalies: str, difference: int | None
) -> None:
    row = ask_pair(pos(**source), oms(**target), policy(**tolerance))
    assert (row.anomalies, row.difference_minor) == (anomalies, difference)
    assert row.result == ("MISMATCHED" if anomalies else "MATCHED")


@pytest.mark.parametrize(
    ("source", "target", "anomalies", "canonical"),
    [
        ("PAID", "Shipped", "", ("BOOKED", "BOOKED")),
        ("voided", "CANCELLED", "", ("CANCELLED", "CANCELLED")),
        ("REFUNDED", "returned", "", ("REFUNDED", "REFUNDED")),
        ("PAID", "cancelled", "STATUS_MISMATCH", ("BOOKED", "CANCELLED")),
        ("created", "created", "STATUS_MISMATCH", ("UNKNOWN", "BOOKED")),
        ("LOST", "lost", "STATUS_MISMATCH", ("UNKNOWN", "UNKNOWN")),
    ],
)
def test_status(source: str, target: str, anomalies: str, canonical: tuple[str, str]) -> None:
    row = ask_pair(pos(status=source), oms(state=target))
    assert (row.anomalies, (row.source_status, row.target_status)) == (anomalies, canonical)


@pytest.mark.parametrize(
    ("shift", "anomalies", "skew"),
    [
        ({"minutes": 15}, "", 900_000_000),
        ({"minutes": -15}, "", -900_000_000),
        ({"minutes": 15, "microseconds": 1}, "TIMESTAMP_SKEW", 900_000_001),
        ({"minutes": -15, "microseconds": -1}, "TIMESTAMP_SKEW", -900_000_001),
    ],
)
def test_skew(shift: dict[str, float], anomalies: str, skew: int) -> None:
    row = ask_pair(pos(), oms(placed_at=moved(NOON, **shift)))
    assert (row.anomalies, row.skew_microseconds) == (anomalies, skew)


def test_all_anomalies_of_a_pair_are_sorted() -> None:
    row = ask_pair(pos(), oms(order_total="11", state="cancelled", placed_at=moved(NOON, hours=1)))
    assert row.anomalies == "PRICE_MISMATCH,STATUS_MISMATCH,TIMESTAMP_SKEW"


# --- the second step ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "matched"), [(900, True), (-900, True), (900.000001, False), (-901, False)])
def test_step_two_at_the_edge_of_its_window(seconds: float, matched: bool) -> None:
    given = ask(
        [delivered(POS, DAY, [pos("A")]), delivered(OMS, DAY, [oms("B", placed_at=moved(NOON, seconds=seconds))])]
    )
    if matched:
        assert verdicts(given) == [("by_store_amount_time", "MISMATCHED", "ID_MISMATCH", "A", "B")]
    else:
        assert verdicts(given) == [
            ("unmatched", "MISSING_SOURCE", "MISSING_POS", None, "B"),
            ("unmatched", "MISSING_TARGET", "MISSING_OMS", "A", None),
        ]


def test_step_two_adds_its_anomaly_to_the_others() -> None:
    given = ask([delivered(POS, DAY, [pos("A")]), delivered(OMS, DAY, [oms("B", state="cancelled")])])
    assert verdicts(given) == [("by_store_amount_time", "MISMATCHED", "ID_MISMATCH,STATUS_MISMATCH", "A", "B")]


@pytest.mark.parametrize("other", [{"location_id": "S2"}, {"currency": "EUR"}, {"order_total": "10.01"}])
def test_step_two_needs_equal_keys(other: dict[str, str]) -> None:
    given = ask([delivered(POS, DAY, [pos("A")]), delivered(OMS, DAY, [oms("B", **other)])])
    assert [v[1] for v in verdicts(given)] == ["MISSING_SOURCE", "MISSING_TARGET"]


def test_a_knot_is_refused_as_a_whole() -> None:
    # A and C both reach B, C alone reaches D: a chain, and none of it is guessed.
    given = ask(
        [
            delivered(POS, DAY, [pos("A"), pos("C", created_at=moved(NOON, minutes=20))]),
            delivered(
                OMS,
                DAY,
                [oms("B", placed_at=moved(NOON, minutes=10)), oms("D", placed_at=moved(NOON, minutes=30))],
            ),
        ]
    )
    step = "by_store_amount_time"
    assert verdicts(given) == [
        (step, "AMBIGUOUS", "AMBIGUOUS_MATCH", None, "B"),
        (step, "AMBIGUOUS", "AMBIGUOUS_MATCH", None, "D"),
        (step, "AMBIGUOUS", "AMBIGUOUS_MATCH", "A", None),
        (step, "AMBIGUOUS", "AMBIGUOUS_MATCH", "C", None),
    ]


def test_what_step_one_took_is_no_rival_in_step_two() -> None:
    given = ask([delivered(POS, DAY, [pos("A"), pos("B")]), delivered(OMS, DAY, [oms("B"), oms("C")])])
    assert verdicts(given) == [
        ("by_order_id", "MATCHED", "", "B", "B"),
        ("by_store_amount_time", "MISMATCHED", "ID_MISMATCH", "A", "C"),
    ]


# --- what is left -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("as_of", "result"), [("03-02 12:59:59", "PENDING"), ("03-02 13:00", "MISSING_TARGET")])
def test_the_grace_window_ends_on_its_limit(as_of: str, result: str) -> None:
    deliveries = [delivered(POS, "03-02 12:30", [pos("A")]), delivered(OMS, "03-02 12:30", [])]
    (row,) = ask(deliveries, as_of).rows
    assert (row.step, row.result, row.reason) == ("unmatched", result, "IN_GRACE" if result == "PENDING" else None)
    assert row.anomalies == ("MISSING_OMS" if result == "MISSING_TARGET" else "")


def test_a_left_over_fills_its_own_side_only() -> None:
    (row,) = ask([delivered(POS, DAY, []), delivered(OMS, DAY, [oms("A", location_id="S7")])]).rows
    assert row == ResultRow(
        org_id="acme",
        stream="pos_oms_orders",
        step="unmatched",
        result="MISSING_SOURCE",
        anomalies="MISSING_POS",
        target_system="oms",
        target_activity_id="A",
        counterparty_id="S7",
        business_date=date(2026, 3, 2),
        target_currency="USD",
        target_amount_minor=1000,
        target_status="BOOKED",
    )


def test_a_feed_that_never_delivered_is_late_not_wrong() -> None:
    (row,) = ask([delivered(POS, DAY, [pos("A")])], "03-09 00:00").rows
    assert (row.result, row.reason, row.anomalies) == ("PENDING", "FEED_LATE", "")
    # A header alone is a delivery.
    (row,) = ask([delivered(POS, DAY, [pos("A")]), delivered(OMS, DAY, [])], "03-09 00:00").rows
    assert row.result == "MISSING_TARGET"


def test_a_reject_is_not_an_absence() -> None:
    given = ask([delivered(POS, DAY, [pos("A")]), delivered(OMS, DAY, [oms(" A ", order_total="ten")])])
    assert verdicts(given) == [("unmatched", "MISSING_TARGET", "REJECTED_OMS", "A", None)]
    assert [(r.activity_id, r.reasons) for r in given.rejects] == [("A", (("order_total", "unreadable_amount"),))]


@pytest.mark.parametrize(
    ("late", "anomalies"),
    [
        ({"revision": "2", "order_total": "x"}, "STALE_VERSION"),
        ({"revision": "1", "order_total": "x"}, ""),
        ({"revision": "0", "order_total": "x"}, ""),
        ({"revision": "two"}, "STALE_VERSION"),
        ({"revision": ""}, "STALE_VERSION"),
    ],
)
def test_a_rejected_newer_version_makes_a_pair_stale(late: dict[str, str], anomalies: str) -> None:
    given = ask(
        [
            delivered(POS, "03-02 20:00", [pos("A")]),
            delivered(OMS, "03-02 20:00", [oms("A")]),
            delivered(OMS, "03-02 21:00", [oms("A", **late)]),
        ]
    )
    assert [r.anomalies for r in given.rows] == [anomalies]


def test_an_unreadable_version_received_together_is_not_newer() -> None:
    given = ask([delivered(POS, DAY, [pos("A")]), delivered(OMS, DAY, [oms("A"), oms("A", revision="two")])])
    assert [r.anomalies for r in given.rows] == [""]


def test_lateness_is_a_flag() -> None:
    deliveries = [delivered(POS, "03-02 12:30", [pos("A")]), delivered(OMS, "03-02 13:00:01", [oms("A")])]
    (row,) = ask(deliveries).rows
    assert (row.result, row.is_late, row.late_by_seconds) == ("MATCHED", True, 1)
    deliveries = [delivered(POS, "03-02 12:30", [pos("A")]), delivered(OMS, "03-02 13:00", [oms("A")])]
    (row,) = ask(deliveries).rows
    assert (row.is_late, row.late_by_seconds) == (False, None)
    # Both long after their events, but together.
    deliveries = [delivered(POS, "03-05 12:30", [pos("A")]), delivered(OMS, "03-05 12:30", [oms("A")])]
    (row,) = ask(deliveries, "03-06 00:00").rows
    assert row.is_late is False


# --- versions and copies ------------------------------------------------------------------------------------------


def test_the_highest_version_is_live_whenever_it_came() -> None:
    given = ask(
        [
            delivered(POS, DAY, [pos("A", total="11.00")]),
            delivered(OMS, "03-02 19:00", [oms("A", revision="10", order_total="11.00")]),
            delivered(OMS, "03-02 21:00", [oms("A", revision="9", order_total="12.00")]),
        ]
    )
    assert verdicts(given) == [("by_order_id", "MATCHED", "", "A", "A")]
    assert (given.totals[OMS].staged, given.totals[OMS].live, given.totals[OMS].superseded) == (2, 1, 1)


def test_pos_versions_are_times_whatever_their_spelling() -> None:
    given = ask(
        [
            delivered(OMS, DAY, [oms("A", order_total="12.00")]),
            delivered(
                POS,
                DAY,
                [
                    pos("A", updated_at="2026-03-02T14:00:00+02:00", total="11.00"),
                    pos("A", updated_at="2026-03-02T12:00:00.000001Z", total="12.00"),
                ],
            ),
        ]
    )
    assert verdicts(given) == [("by_order_id", "MATCHED", "", "A", "A")]


def test_copies_inside_and_across_deliveries() -> None:
    # 3 + 2 copies: the largest count in one delivery is 3, so 2 are surplus and the other 2 re-deliveries.
    given = ask(
        [
            delivered(POS, "03-02 19:00", [pos("A"), pos("A", total="10.0"), pos("A", currency="usd")]),
            delivered(POS, "03-02 20:00", [pos("A"), pos("A")]),
            delivered(OMS, DAY, [oms("A")]),
        ]
    )
    assert verdicts(given) == [
        ("by_order_id", "MATCHED", "", "A", "A"),
        ("duplicates", "DUPLICATE", "DUPLICATE_POS", "A#2", None),
        ("duplicates", "DUPLICATE", "DUPLICATE_POS", "A#3", None),
    ]
    totals = given.totals[POS]
    assert (totals.landed, totals.staged, totals.live, totals.surplus, totals.redelivered) == (5, 5, 1, 2, 2)


def test_a_surplus_copy_in_every_column() -> None:
    rows = ask([delivered(POS, DAY, [pos("A")]), delivered(OMS, DAY, [oms("A"), oms("A")])]).rows
    assert [r for r in rows if r.result == "DUPLICATE"] == [
        ResultRow(
            org_id="acme",
            stream="pos_oms_orders",
            step="duplicates",
            result="DUPLICATE",
            anomalies="DUPLICATE_OMS",
            target_system="oms",
            target_activity_id="A",
            counterparty_id="S1",
            business_date=date(2026, 3, 2),
            target_currency="USD",
            target_amount_minor=1000,
            target_status="BOOKED",
            ordinal=2,
        )
    ]


def test_copies_of_a_superseded_version_count_too() -> None:
    given = ask(
        [
            delivered(POS, DAY, [pos("A")]),
            delivered(OMS, DAY, [oms("A"), oms("A"), oms("A", revision="2")]),
        ]
    )
    assert [v[1] for v in verdicts(given)] == ["MATCHED", "DUPLICATE"]
    assert (given.totals[OMS].superseded, given.totals[OMS].surplus, given.totals[OMS].live) == (1, 1, 1)


def test_a_delivery_that_came_before_counts_once() -> None:
    rows = [pos("A")]
    given = ask([delivered(POS, "03-02 19:00", rows, "a.csv"), delivered(POS, DAY, rows, "b.csv")])
    assert given.totals[POS].landed == 1


def test_other_content_at_the_same_version_the_later_received_is_live() -> None:
    given = ask(
        [
            delivered(POS, DAY, [pos("A")]),
            delivered(OMS, "03-02 20:00", [oms("A", order_total="99")]),
            delivered(OMS, "03-02 21:00", [oms("A")]),
        ]
    )
    assert verdicts(given) == [("by_order_id", "MATCHED", "", "A", "A")]
    assert given.totals[OMS].superseded == 1


def test_a_content_that_comes_again_is_the_later_received_one() -> None:
    given = ask(
        [
            delivered(POS, DAY, [pos("A")]),
            delivered(OMS, "03-02 20:00", [oms("A")]),
            delivered(OMS, "03-02 21:00", [oms("A", order_total="99")]),
            delivered(OMS, "03-02 22:00", [oms("A"), oms("Z")]),
        ]
    )
    assert verdicts(given)[0] == ("by_order_id", "MATCHED", "", "A", "A")
    assert (given.totals[OMS].superseded, given.totals[OMS].redelivered) == (1, 1)


def test_a_conflict_is_refused_with_its_counterpart() -> None:
    given = ask([delivered(POS, DAY, [pos("A")]), delivered(OMS, DAY, [oms("A"), oms("A", order_total="11")])])
    assert verdicts(given) == [
        ("by_order_id", "AMBIGUOUS", "CONFLICT_OMS", None, "A"),
        ("by_order_id", "AMBIGUOUS", "CONFLICT_OMS", None, "A"),
        ("by_order_id", "AMBIGUOUS", "CONFLICT_OMS", "A", None),
    ]
    assert given.totals[OMS].conflicting == 2


def test_conflicts_on_both_sides_name_both() -> None:
    given = ask(
        [
            delivered(POS, DAY, [pos("A"), pos("A", status="VOIDED")]),
            delivered(OMS, DAY, [oms("A"), oms("A", order_total="11")]),
        ]
    )
    assert {v[2] for v in verdicts(given)} == {"CONFLICT_OMS,CONFLICT_POS"}
    assert len(given.rows) == 4
    assert len(given.open_exceptions) == 4


def test_a_conflict_without_a_counterpart_is_a_conflict() -> None:
    given = ask([delivered(POS, DAY, [pos("A"), pos("A", total="9")]), delivered(OMS, DAY, [])])
    assert [v[1:3] for v in verdicts(given)] == [("AMBIGUOUS", "CONFLICT_POS")] * 2


def test_a_higher_version_ends_a_conflict() -> None:
    given = ask(
        [
            delivered(POS, DAY, [pos("A")]),
            delivered(OMS, DAY, [oms("A"), oms("A", order_total="11")]),
            delivered(OMS, "03-02 21:00", [oms("A", revision="2")]),
        ]
    )
    assert verdicts(given) == [("by_order_id", "MATCHED", "", "A", "A")]
    assert (given.totals[OMS].conflicting, given.totals[OMS].superseded) == (0, 2)


# --- rejects ------------------------------------------------------------------------------------------------------


def test_a_reject_says_everything_that_is_wrong() -> None:
    bad = pos(" ", store_id="", currency="XXY", total="1e3", created_at="yesterday", updated_at="")
    given = ask([delivered(POS, DAY, [pos("A"), bad])])
    (reject,) = given.rejects
    assert sorted(reject.reasons) == [
        ("created_at", "unreadable_time"),
        ("currency", "unknown_currency"),
        ("order_id", "missing_id"),
        ("store_id", "missing_value"),
        ("total", "unreadable_amount"),
        ("updated_at", "missing_value"),
    ]
    assert (reject.row_number, reject.activity_id) == (2, None)
    assert (given.totals[POS].landed, given.totals[POS].rejected, given.totals[POS].staged) == (2, 1, 1)


def test_a_local_time_that_never_occurs_is_a_reject() -> None:
    berlin = {POS: Feed(**{**FEEDS[POS].__dict__, "time_zone": "Europe/Berlin"}), OMS: FEEDS[OMS]}
    rows = [pos("A", created_at="2026-03-29T02:30:00"), pos("B", created_at="2026-03-28T23:30:00Z")]
    given = answer("acme", [delivered(POS, "04-01 00:00", rows)], at("04-01 00:00"), FEW_CURRENCIES, berlin)
    assert [r.reasons for r in given.rejects] == [(("created_at", "nonexistent_local_time"),)]
    # The business date is the local trading day.
    assert [r.business_date for r in given.rows] == [date(2026, 3, 29)]


# --- policies -----------------------------------------------------------------------------------------------------


def test_blanks_inherit_field_by_field() -> None:
    policies = [
        policy(stream="", price_abs_minor="5", skew_seconds="1"),
        policy(price_abs_minor="", skew_seconds="3600"),
        policy(counterparty_id="S1", grace_minutes="7"),
    ]
    row = ask_pair(pos(), oms(order_total="10.05", placed_at=moved(NOON, hours=1)), *policies)
    assert row.result == "MATCHED"


def test_the_sources_counterparty_and_date_choose_the_policy() -> None:
    policies = [policy(counterparty_id="S1", price_abs_minor="5"), policy(counterparty_id="S2", price_abs_minor="0")]
    assert ask_pair(pos(), oms(order_total="10.05", location_id="S2"), *policies).result == "MATCHED"
    assert ask_pair(pos(store_id="S2"), oms(order_total="10.05"), *policies).result == "MISMATCHED"


@pytest.mark.parametrize(("day", "result"), [("2026-03-01", "MISMATCHED"), ("2026-03-02", "MATCHED")])
def test_a_period_begins_on_its_business_date(day: str, result: str) -> None:
    when = f"{day}T12:00:00Z"
    rows = [policy(price_abs_minor="1"), policy(price_abs_minor="5", valid_from="2026-03-02")]
    assert ask_pair(pos(created_at=when), oms(placed_at=when, order_total="10.05"), *rows).result == result


def test_the_winning_rows_blanks_inherit_from_the_wider_scope() -> None:
    rows = [policy(price_abs_minor="5"), policy(skew_seconds="1", valid_from="2026-03-01")]
    assert ask_pair(pos(), oms(order_total="10.05"), *rows).anomalies == "PRICE_MISMATCH"


def test_the_latest_received_wins_and_a_return_counts() -> None:
    pair = [delivered(POS, "03-02 13:00", [pos()]), delivered(OMS, "03-02 13:00", [oms(order_total="10.05")])]
    loose, strict = [policy(price_abs_minor="5")], [policy(price_abs_minor="0")]
    changes = [
        delivered(POLICIES, "03-02 13:00", loose),
        delivered(POLICIES, "03-02 14:00", strict),
        delivered(POLICIES, "03-02 15:00", loose),
    ]
    days = ("03-02 13:00", "03-02 14:00", "03-02 15:00")
    assert [ask([*pair, *changes], day).rows[0].result for day in days] == ["MATCHED", "MISMATCHED", "MATCHED"]


def test_contradicting_rows_received_together_are_rejected() -> None:
    deliveries = [
        delivered(POS, DAY, [pos()]),
        delivered(OMS, DAY, [oms(order_total="10.05")]),
        delivered(POLICIES, "03-02 19:00", [policy(price_abs_minor="5")]),
        delivered(POLICIES, DAY, [policy(price_abs_minor="1"), policy(price_abs_minor="2")]),
    ]
    given = ask(deliveries)
    assert [r.result for r in given.rows] == ["MATCHED"]
    assert [(r.feed, r.row_number) for r in given.rejects] == [(POLICIES, 1), (POLICIES, 2)]


def test_equal_rows_received_together_are_one() -> None:
    assert ask_pair(pos(), oms(order_total="10.05"), *[policy(price_abs_minor="5")] * 2).result == "MATCHED"


def test_a_counterparty_without_a_stream_is_rejected() -> None:
    deliveries = [delivered(POLICIES, DAY, [policy(stream="", counterparty_id="S1", price_abs_minor="5")])]
    assert len(ask(deliveries).rejects) == 1


def test_policies_govern_the_grace_window() -> None:
    deliveries = [
        delivered(POS, "03-02 12:30", [pos("A"), pos("B", store_id="S2")]),
        delivered(OMS, "03-02 12:30", []),
        delivered(POLICIES, "03-02 12:30", [policy(counterparty_id="S2", grace_minutes="30")]),
    ]
    rows = ask(deliveries, "03-02 12:30").rows
    assert {r.source_activity_id: r.result for r in rows} == {"A": "PENDING", "B": "MISSING_TARGET"}


def test_percentages_are_exact() -> None:
    assert text.parse_decimal("0.000000001") == Fraction(1, 10**9)
    with pytest.raises(text.UnreadableError, match=text.UNREADABLE_DECIMAL):
        text.parse_decimal("0.0000000001")


# --- one clock, and the hash --------------------------------------------------------------------------------------


def test_what_came_later_is_not_seen() -> None:
    deliveries = [delivered(POS, "03-02 19:00", [pos("A")]), delivered(OMS, "03-02 20:00", [oms("A")])]
    assert verdicts(ask(deliveries, "03-02 19:59")) == [("unmatched", "PENDING", "", "A", None)]
    assert verdicts(ask(deliveries, "03-02 20:00")) == [("by_order_id", "MATCHED", "", "A", "A")]


def test_open_exceptions_are_the_anomalies() -> None:
    given = ask(
        [delivered(POS, DAY, [pos("A")]), delivered(OMS, DAY, [oms("A", order_total="11"), oms("B"), oms("B")])]
    )
    stream = "pos_oms_orders"
    assert given.open_exceptions == {
        ("acme", stream, "PRICE_MISMATCH", "A", "A"),
        ("acme", stream, "MISSING_POS", None, "B"),
        ("acme", stream, "DUPLICATE_OMS", None, "B#2"),
    }


def test_the_hash_by_hand() -> None:
    row = ResultRow("acme", "s", "duplicates", "DUPLICATE", "DUPLICATE_POS", "pos", "A", ordinal=2)
    joined = "\x1f".join(["acme", "s", "duplicates", "DUPLICATE", "DUPLICATE_POS", "pos", "A#2", *["\x1e"] * 12])
    piece = int(hashlib.md5(joined.encode()).hexdigest()[:15], 16)
    assert results_hash([row]) == hashlib.sha256(f"1:{piece}".encode()).hexdigest()
    assert results_hash([]) == hashlib.sha256(b"0:0").hexdigest()
    assert results_hash([row, row]) == hashlib.sha256(f"2:{2 * piece}".encode()).hexdigest()
