"""Settlement files of Adyen, PayPal and Amazon, from the inbox to legs, payouts and the files' own arithmetic, the same
on every engine.
"""

from collections import Counter

import pytest

from tests.python.declarations import project as projects
from tests.python.feeds import settlements as files
from tests.python.feeds.conftest import MakeFeedFolder
from tests.python.feeds.folder import FeedFolder, Row
from tests.python.laws.conftest import in_one_worker

PARTS = ("macros", "models", "seeds", "tests/generic")  # the laws are those of a whole run
SPAIN = '              overrides: [{org_id: espana, decimal_mark: ",", grouping_mark: ".", formats: [DD/MM/YYYY]}]\n'


@pytest.fixture(scope="module", params=in_one_worker("settled"))
def settled(
    request: pytest.FixtureRequest, make_feed_folder: MakeFeedFolder, tmp_path_factory: pytest.TempPathFactory
) -> FeedFolder:
    """Every file landed and built, once an engine."""
    project = projects.copy(tmp_path_factory.mktemp("settled") / "project", parts=PARTS)
    sources = project / "models/staging/paypal/_paypal__sources.yml"
    before, feed, after = sources.read_text().partition("      - name: activity\n")
    sources.write_text(
        before + feed + after.replace("              kind: records\n", "              kind: records\n" + SPAIN, 1)
    )
    folder = make_feed_folder(project, request.param)
    files.settle(folder)
    return folder


def legs(folder: FeedFolder, feed: str, where: str = "1 = 1") -> list[Row]:
    query = (
        "select batch_ref, activity_type, payment_ref, order_ref, currency, amount_minor, fee_minor, counterparty_id"
        f" from canonical.legs_{feed} where {where} order by batch_id, row_number"
    )
    return folder.rows(query)


def payouts(folder: FeedFolder, feed: str, org: str = "pine") -> list[Row]:
    query = (
        "select activity_id, currency, amount_minor, payment_ref, status, cast(business_date as varchar(10))"
        f" from canonical.payouts_{feed} where org_id = '{org}' order by 1, 2, 3"
    )
    return folder.rows(query)


def rejected(folder: FeedFolder, feed: str) -> set[Row]:
    return set(folder.rows(f"select coalesce(record_id, ''), reasons from staging.rejected_{feed}"))


def broken(folder: FeedFolder, feed: str) -> list[Row]:
    query = (
        f"select balance, substr(scope, {len(feed) + 1}), currency, expected, actual, row_number"
        f" from canonical.identities_{feed}"
        " where not holds"
    )
    rows = [(*row[:3], *(None if value is None else int(value) for value in row[3:])) for row in folder.rows(query)]
    return sorted(rows, key=lambda row: [(value is None, value) for value in row])


def holding(folder: FeedFolder, feed: str) -> Counter[str]:
    rows = folder.rows(f"select balance, count(*) from canonical.identities_{feed} where holds group by balance")
    return Counter(dict(rows))


def test_adyen_legs(settled: FeedFolder) -> None:
    found = legs(settled, "adyen__settlement_details", "batch_ref = 'PINE_EU 7 EUR'")
    assert found == [
        ("PINE_EU 7 EUR", "CHARGE", "A1", "5001", "EUR", 12000, 0, "PINE_EU"),
        ("PINE_EU 7 EUR", "REFUND", "A2", "4990", "EUR", -3000, 0, "PINE_EU"),
        ("PINE_EU 7 EUR", "CHARGE", "A3", "5002", "EUR", 0, 0, "PINE_EU"),
        ("PINE_EU 7 EUR", "FEE", None, None, "EUR", -42, -42, "PINE_EU"),
        ("PINE_EU 7 EUR", "PAYOUT", None, None, "EUR", -8889, 0, "PINE_EU"),
        ("PINE_EU 7 EUR", "FEE", "A1", "5001", "EUR", -59, -59, "PINE_EU"),
        ("PINE_EU 7 EUR", "FEE", "A2", "4990", "EUR", -10, -10, "PINE_EU"),
    ]
    found = legs(settled, "adyen__settlement_details", "batch_ref in ('PINE_EU 8 EUR', 'PINE_EU 9 EUR')")
    assert Counter((row[0], row[1], row[5]) for row in found) == Counter(
        [
            ("PINE_EU 8 EUR", "CHARGE", 1000),
            ("PINE_EU 8 EUR", "FEE", -20),
            ("PINE_EU 8 EUR", "CHARGEBACK", -12000),
            ("PINE_EU 8 EUR", "FEE", -1500),
            ("PINE_EU 8 EUR", "RESERVE_HOLD", -500),
            ("PINE_EU 8 EUR", "ROLLING_BALANCE", 13020),
            ("PINE_EU 9 EUR", "CHARGE", 21740),
            ("PINE_EU 9 EUR", "FEE", -191),
            ("PINE_EU 9 EUR", "RESERVE_RELEASE", 500),
            ("PINE_EU 9 EUR", "ROLLING_BALANCE", -13020),
            ("PINE_EU 9 EUR", "PAYOUT", -9029),
        ]
    )


def test_adyen_times_are_in_the_zone_beside_them(settled: FeedFolder) -> None:
    query = (
        "select cast(event_at as varchar(19)), cast(business_date as varchar(10)) from"
        " canonical.legs_adyen__settlement_details where payment_ref in ('A1', 'A5')"
        " and activity_type = 'CHARGE' order by 1"
    )
    assert settled.rows(query) == [("2026-03-03 20:14:09", "2026-03-03"), ("2026-07-02 22:30:00", "2026-07-03")]


def test_adyen_payouts(settled: FeedFolder) -> None:
    assert payouts(settled, "adyen__settlement_details") == [
        ("PINE_EU 11 EUR", "EUR", 6801, "TX70015XT batch 11", "BOOKED", "2026-03-03"),
        ("PINE_EU 7 EUR", "EUR", 8889, "TX70011XT batch 7", "BOOKED", "2026-03-03"),
        ("PINE_EU 8 EUR", "EUR", 0, None, "BOOKED", "2026-03-03"),
        ("PINE_EU 9 EUR", "EUR", 9029, "TX70013XT batch 9", "BOOKED", "2026-03-03"),
        ("PINE_UK 7 EUR", "EUR", 100, "TX8XT batch 7", "BOOKED", "2026-03-03"),
    ]


def test_adyen_rejects(settled: FeedFolder) -> None:
    assert rejected(settled, "adyen__settlement_details") == {
        ("", "type: unmapped_kind"),
        ("A7", "creation_date: unknown_time_zone"),
    }


def test_adyen_arithmetic(settled: FeedFolder) -> None:
    assert broken(settled, "adyen__settlement_details") == [
        ("batch_identity", "PINE_EU 11 EUR", "EUR", 0, -1, None),
        ("row_identity", "PINE_EU 11 EUR", "EUR", 4901, 4900, 1),
        ("sequence", "PINE_EU", None, 10, 11, None),
    ]
    # A rate of three decimals may be half of the last one off: 217.40 is 200 times anything from 1.0865 to 1.0875.
    assert holding(settled, "adyen__settlement_details") == Counter(
        {"batch_identity": 4, "row_identity": 5, "sequence": 2, "continuity": 1}
    )


def test_paypal_legs(settled: FeedFolder) -> None:
    found = legs(settled, "paypal__settlement", "batch_ref in ('P8', 'P9')")
    assert Counter(row[:7] for row in found) == Counter(
        [
            ("P8", "CHARGE", "P1", "5101", "USD", 10000, 0),
            ("P8", "FEE", "P1", "5101", "USD", -398, -398),
            ("P8", "REFUND", "P0", "5088", "USD", -2500, 0),
            ("P8", "FEE", "P0", "5088", "USD", 44, 44),
            ("P8", "CHARGEBACK", "P00", None, "USD", -1500, 0),
            ("P8", "FEE", "P3", None, "USD", -2000, -2000),
            ("P8", "CURRENCY_CONVERSION", "CONV1", None, "USD", -1000, 0),
            ("P9", "CURRENCY_CONVERSION", "CONV1", None, "JPY", 1500, 0),
            ("P9", "CHARGE", "P7", "5102", "JPY", 10000, 0),
            ("P9", "FEE", "P7", "5102", "JPY", -360, -360),
            ("P8", "PAYOUT", "P8", None, "USD", -2646, 0),
            ("P9", "PAYOUT", "P9", None, "JPY", -11140, 0),
        ]
    )
    assert {row[7] for row in found} == {"PINEPAY01"}
    # On the 6th the balance ran on, so nobody knows what its payout took; in the detail report there are no footers.
    assert legs(settled, "paypal__settlement", "batch_ref is null and order_ref in ('5111', '5113')") == [
        (None, "CHARGE", "P11", "5111", "USD", 8000, 0, "PINEPAY01"),
        (None, "CHARGE", "P13", "5113", "USD", 700, 0, "PINEPAY01"),
    ]


def test_a_detail_report_counts_only_what_settled_and_less_than_a_settlement(settled: FeedFolder) -> None:
    query = (
        "select activity_id, version, amount_minor from canonical.legs_paypal__settlement"
        " where activity_id in ('P1', 'P31', 'P32', 'P33', 'P34') order by 1, 2"
    )
    assert settled.rows(query) == [("P1", 1, 9999), ("P1", 2, 10000)]


def test_paypal_payouts(settled: FeedFolder) -> None:
    assert payouts(settled, "paypal__settlement") == [
        ("P12", "USD", 5000, "1048820020", "NOT_ITEMISABLE", "2026-03-06"),
        ("P24", "USD", 1700, "1048820030", "BOOKED", "2026-03-07"),
        ("P8", "USD", 2646, "1048820017", "BOOKED", "2026-03-05"),
        ("P9", "JPY", 11140, "1048820018", "BOOKED", "2026-03-05"),
    ]


def test_paypal_rejects(settled: FeedFolder) -> None:
    why = "transaction_event_code, balance_effect: unmapped_kind"
    assert rejected(settled, "paypal__settlement") == {("P22", why), ("P34", why)}


def test_paypal_arithmetic(settled: FeedFolder) -> None:
    assert broken(settled, "paypal__settlement") == [
        ("continuity", "PINEPAY01 balance brought forward", "USD", 3700, 0, None),
        ("file_total", "PINEPAY01 section 01/1", "EUR", None, 100, None),
        ("file_total", "PINEPAY01 section 01/1", "USD", 0, -1000, None),
        ("file_total", "PINEPAY01 section 01/1", "USD", None, 9999 - 398, None),
    ]


def test_activity_legs(settled: FeedFolder) -> None:
    found = legs(settled, "paypal__activity", "org_id = 'pine'")
    assert Counter(row[:7] for row in found) == Counter(
        [
            (None, "CHARGE", "Q6", "5206", "USD", 5000, 0),
            ("Q5", "PAYOUT", "Q5", None, "USD", -112347, 0),
            ("Q5", "REFUND", "Q0", "5188", "USD", -2500, 0),
            ("Q5", "FEE", "Q0", "5188", "USD", 50, 50),
            ("Q5", "CHARGE", "Q2", "5202", "USD", 120000, 0),
            ("Q5", "FEE", "Q2", "5202", "USD", -5203, -5203),
            (None, "PAYOUT", "Q1W", None, "USD", -9600, 0),
            (None, "CHARGE", "Q1", "5201", "USD", 10000, 0),
            (None, "FEE", "Q1", "5201", "USD", -400, -400),
            (None, "PAYOUT", "QJ2", None, "JPY", -500, 0),
            (None, "CHARGE", "QJ1", "5209", "JPY", 1200, 0),
            (None, "CHARGE", "P1", "5101", "USD", 77777, 0),
            (None, "FEE", "P1", "5101", "USD", -400, -400),
        ]
    )
    assert settled.rows("select distinct version from canonical.legs_paypal__activity") == [(0,)]


def test_activity_in_another_language(settled: FeedFolder) -> None:
    assert legs(settled, "paypal__activity", "org_id = 'espana'") == [
        ("E2", "CHARGE", "E1", "5301", "EUR", 462681, 0, "paypal"),
        ("E2", "PAYOUT", "E2", None, "EUR", -457744, 0, "paypal"),
        ("E2", "FEE", "E1", "5301", "EUR", -4937, -4937, "paypal"),
    ]
    assert payouts(settled, "paypal__activity", "espana") == [("E2", "EUR", 457744, None, "BOOKED", "2025-12-30")]


def test_activity_rejects(settled: FeedFolder) -> None:
    assert rejected(settled, "paypal__activity") == {
        ("Q7", "status, balance_impact, type: unmapped_kind"),
        ("E3", "gross: too_many_decimals; net: too_many_decimals"),
    }


def test_activity_arithmetic(settled: FeedFolder) -> None:
    # The oldest line of the download says 773.77 net and a balance of 0.00 after it.
    assert broken(settled, "paypal__activity") == []
    assert holding(settled, "paypal__activity") == Counter({"row_identity": 3, "continuity": 3})


def test_amazon_legs(settled: FeedFolder) -> None:
    found = legs(settled, "amazon__settlement_v2", "batch_ref = '9001'")
    assert [row[1:7] for row in found] == [
        ("CHARGE", "111-1", "111-1", "USD", 4000, 0),
        ("CHARGE", "111-1", "111-1", "USD", 320, 0),
        ("ADJUSTMENT", "111-1", "111-1", "USD", -320, 0),
        ("FEE", "111-1", "111-1", "USD", -600, -600),
        ("FEE", "111-1", "111-1", "USD", -600, -600),
        ("REFUND", "111-0", "111-0", "USD", -130, 0),
        ("FEE", "111-0", "111-0", "USD", 175, 175),
        ("RESERVE_HOLD", None, None, "USD", -500, 0),
        ("PAYOUT", None, None, "USD", -2845, 0),
        ("FEE", None, None, "USD", -100, -100),
        ("FEE", None, None, "USD", 600, 600),
    ]
    assert [row[1:7] for row in legs(settled, "amazon__settlement_v2", "batch_ref = '9101'")] == [
        ("CHARGE", "302-1", "302-1", "EUR", 150000, 0),
        ("FEE", "302-1", "302-1", "EUR", -22500, -22500),
    ]
    # Two equal commissions are two.
    assert settled.rows("select count(*) - count(distinct activity_id) from canonical.legs_amazon__settlement_v2") == [
        (0,)
    ]


def test_amazon_payouts(settled: FeedFolder) -> None:
    assert payouts(settled, "amazon__settlement_v2") == [
        ("9001", "USD", 2845, "9001", "BOOKED", "2026-03-08"),
        ("9002", "USD", 1000, "9002", "BOOKED", "2026-03-22"),
        ("9101", "EUR", 127500, "9101", "BOOKED", "2026-03-08"),
    ]


def test_amazon_rejects(settled: FeedFolder) -> None:
    assert rejected(settled, "amazon__settlement_v2") == {
        ("", "transaction_type, amount_type, amount_description: unmapped_kind")
    }


def test_amazon_arithmetic(settled: FeedFolder) -> None:
    assert broken(settled, "amazon__settlement_v2") == [
        ("continuity", "reserve of 9001 to 9002", "USD", 500, 400, None),
        ("file_total", "9002", "USD", 1000, 900, None),
        ("row_identity", "amount of 9002", "USD", None, None, 4),
    ]


def test_every_leg_keeps_a_place_of_its_own(settled: FeedFolder) -> None:
    for feed in files.FEEDS:
        query = f"select count(*), count(distinct batch_id || '/' || row_number) from canonical.legs_{feed}"
        ((rows, places),) = settled.rows(query)
        assert rows == places > 0
