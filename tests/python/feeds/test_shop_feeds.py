"""Shopify, Stripe and Square: files land, are staged, and become orders, legs, payouts and identities."""

from datetime import timedelta

import pytest

from tests.python.declarations.project import ROOT
from tests.python.feeds import shop_files as files
from tests.python.feeds.conftest import MakeFeedFolder
from tests.python.feeds.folder import AS_OF, FeedFolder
from tests.python.laws.conftest import in_one_worker

FEEDS = (
    "shopify__orders",
    "shopify__payout_transactions",
    "shopify__payouts",
    "stripe__payout_reconciliation",
    "stripe__payouts",
    "square__transactions",
)
MODELS = (
    "shop_orders",
    *(f"legs_{feed}" for feed in (FEEDS[1], FEEDS[3], FEEDS[5])),
    *(f"payouts_{feed}" for feed in (FEEDS[2], FEEDS[4], FEEDS[5])),
    *(f"identities_{feed}" for feed in FEEDS[1:]),
)
CANONICAL = (
    "org_id, system, entity, activity_id, version, counterparty_id, activity_type, order_ref, payment_ref, batch_ref,"
    " description, status, source_status, currency, exponent, amount_minor, fee_minor, net_minor, base_currency,"
    " base_amount_minor, event_at, business_date, received_at, batch_id, row_number, content_hash"
)


@pytest.fixture(scope="module", params=in_one_worker("shop"))
def shop(request: pytest.FixtureRequest, make_feed_folder: MakeFeedFolder) -> FeedFolder:
    """Two deliveries of all feeds, landed and built once an engine; the second one in an incremental run."""
    folder = make_feed_folder(ROOT, request.param)
    for path, content in {
        "cedar/shopify/orders/orders.csv": files.SHOPIFY_ORDERS,
        "cedar/shopify/payout_transactions/a.csv": files.TRANSACTIONS.encode("utf-16"),
        "cedar/shopify/payout_transactions/b.csv": files.NARROW,
        "cedar/shopify/payouts/a.csv": files.PAYOUTS,
        "cedar/shopify/payouts/b.csv": files.PAYOUTS_POSITIVE_FEES,
        "broken/shopify/payout_transactions/a.csv": files.BROKEN,
        "cedar/stripe/payout_reconciliation/a.csv": files.STRIPE,
        "cedar/stripe/payouts/a.csv": files.STRIPE_PAYOUTS,
        "api/stripe/payouts/a.csv": files.STRIPE_PAYOUTS_NEGATED,
        "cedar/square/transactions/a.csv": files.SQUARE,
        "cedar/square/transactions/b.csv": files.SQUARE_OLD,
        "broken/square/transactions/a.csv": files.SQUARE_BROKEN,
    }.items():
        folder.put(path, content)
    selected = [*(f"+{model}" for model in MODELS), *(f"rejected_{feed}" for feed in FEEDS)]
    assert folder.land(AS_OF - timedelta(hours=1)).failed_files == 0
    folder.build(*selected, as_of=AS_OF - timedelta(hours=1))
    folder.put("cedar/stripe/payout_reconciliation/b.csv", files.STRIPE_MORE)
    # An order again, refunded in the meantime.
    folder.put(
        "cedar/shopify/orders/later.csv",
        files.SHOPIFY_ORDERS.split("\n", 1)[0]
        + "\n"
        + "\n".join(line for line in files.SHOPIFY_ORDERS.split("\n") if line.startswith("#C2002")).replace(
            "partially_refunded", "refunded"
        )
        + "\n",
    )
    assert folder.land().failed_files == 0
    folder.build(*selected)
    return folder


def legs(folder: FeedFolder, feed: str, org: str = "cedar") -> list[tuple[object, ...]]:
    """Kind, signed amount, currency, order and payout of a feed's legs."""
    return sorted(
        folder.rows(
            "select activity_type, amount_minor, currency, coalesce(order_ref, ''), coalesce(batch_ref, '')"
            f" from canonical.legs_{feed} where org_id = '{org}'"
        )
    )


def test_every_canonical_model_has_the_canonical_columns(shop: FeedFolder) -> None:
    for model in (name for name in MODELS if not name.startswith("identities")):
        rows = shop.rows(f"select {CANONICAL} from canonical.{model}")
        keys = shop.rows(f"select distinct batch_id, row_number from canonical.{model}")
        assert len(rows) == len(keys) > 0, model
        types = "'org_id', 'activity_id', 'currency', 'exponent', 'amount_minor', 'event_at', 'business_date'"
        columns = shop.rows(
            "select column_name from information_schema.columns where table_schema = 'canonical'"
            f" and table_name = '{model}' order by ordinal_position"
        )
        assert ", ".join(name for (name,) in columns) == CANONICAL.replace("\n", ""), (model, types)
        empty = shop.rows(
            f"select * from canonical.{model} where activity_id is null or amount_minor is null or event_at is null"
            " or business_date is null or exponent is null or content_hash is null"
        )
        assert not empty, (model, empty)


def test_shopify_orders(shop: FeedFolder) -> None:
    rows = shop.rows(
        "select activity_id, order_ref, payment_ref, counterparty_id, status, source_status, currency, amount_minor,"
        " cast(event_at as varchar), cast(business_date as varchar) from canonical.shop_orders"
    )
    assert sorted(rows, key=str) == [
        *[
            (
                "#C2001",
                "C2001",
                "rC2001.1",
                "shopify",
                "BOOKED",
                "paid",
                "USD",
                10710,
                "2026-03-04 02:10:40",
                "2026-03-04",
            ),
            *[
                (
                    "#C2002",
                    "C2002",
                    "rC2002.1",
                    "Pier 9",
                    status,
                    said,
                    "USD",
                    4320,
                    "2026-03-01 14:03:12",
                    "2026-03-01",
                )
                for status, said in (("BOOKED", "partially_refunded"), ("REFUNDED", "refunded"))
            ],
            (
                "#C2003",
                "C2003",
                None,
                "shopify",
                "NO_PROCESSOR",
                "paid",
                "USD",
                3000,
                "2026-03-04 15:00:00",
                "2026-03-04",
            ),
            (
                "#C2004",
                "C2004",
                None,
                "shopify",
                "CANCELLED",
                "voided",
                "USD",
                3000,
                "2026-03-04 16:59:00",
                "2026-03-04",
            ),
            ("#C2006", "C2006", "pi_C1", "shopify", "BOOKED", "paid", "JPY", 3000, "2026-03-04 17:00:00", "2026-03-04"),
        ]
    ]
    # The order without a total is a reject, and so is its further line, which takes nothing for a total.
    rejected = shop.rows(
        "select record_id, row_number, reasons from staging.rejected_shopify__orders order by row_number"
    )
    assert rejected == [(None, 6, "total: missing_value"), (None, 7, "total: missing_value")]


def test_shopify_transactions(shop: FeedFolder) -> None:
    payout = "220040001"
    assert legs(shop, "shopify__payout_transactions") == sorted(
        [
            ("CHARGE", 10710, "USD", "C2001", payout),
            ("FEE", -341, "USD", "C2001", payout),
            ("REFUND", -1200, "USD", "C2002", payout),
            *[("CHARGE", 6000, "USD", "C1990", payout), ("FEE", -240, "USD", "C1990", payout)] * 2,
            ("RESERVE_HOLD", -2000, "USD", "", payout),
            ("RESERVE_RELEASE", 2000, "USD", "", ""),
            ("ADJUSTMENT", -735, "USD", "", payout),
            ("ADJUSTMENT", 0, "USD", "", payout),
            ("FEE", -120, "USD", "", payout),
            ("CHARGE", 5400, "JPY", "J1", "2026-03-06 JPY"),
            ("FEE", -184, "JPY", "J1", "2026-03-06 JPY"),
            ("REFUND", -1200, "JPY", "J0", "2026-03-06 JPY"),
            ("PAYOUT", -4016, "JPY", "", "2026-03-06 JPY"),
        ]
    )
    # Two equal rows of one second are two charges with ids of their own, each with its fee.
    ids = shop.rows(
        "select activity_id, row_number from canonical.legs_shopify__payout_transactions where order_ref = 'C1990'"
        " order by row_number"
    )
    assert [row for _, row in ids] == [3, 4, 1000000000003, 1000000000004]
    assert ids[2][0] == ids[0][0] + ":fee"
    assert len({key for key, _ in ids}) == 4
    assert shop.rows("select column_name, value, reasons from staging.rejected_shopify__payout_transactions") == [
        ("type", "moon_tax", "type: unmapped_kind")
    ]


def test_shopify_payouts(shop: FeedFolder) -> None:
    rows = shop.rows(
        "select activity_id, batch_ref, amount_minor, currency, cast(business_date as varchar), payment_ref, status"
        " from canonical.payouts_shopify__payouts where org_id = 'cedar'"
    )
    assert sorted(rows) == [
        ("2026-03-06 JPY", "2026-03-06 JPY", 4016, "JPY", "2026-03-06", None, "BOOKED"),
        ("2026-03-07 JPY", "2026-03-07 JPY", 4816, "JPY", "2026-03-07", None, "BOOKED"),
        ("2026-03-09 USD", "2026-03-09 USD", -1500, "USD", "2026-03-09", None, "BOOKED"),
        ("2026-03-10 USD", "2026-03-10 USD", 9680, "USD", "2026-03-10", "ST-F1", "CANCELLED"),
        ("2026-03-11 USD", "2026-03-11 USD", 15000, "USD", "2026-03-11", "ST-F2", "BOOKED"),
        ("220040001", "220040001", 17834, "USD", "2026-03-06", "ST-C4D5", "BOOKED"),
    ]


def test_legs_come_to_their_payouts(shop: FeedFolder) -> None:
    """All but the payout itself; what is rejected is missing, and seen to be."""
    for feed, payouts in (
        ("shopify__payout_transactions", "shopify__payouts"),
        ("stripe__payout_reconciliation", "stripe__payouts"),
        ("square__transactions", "square__transactions"),
    ):
        rows = shop.rows(
            f"""
            select payouts.activity_id, payouts.amount_minor - legs.amount_minor
            from (
                select activity_id, amount_minor, row_number() over (
                    partition by org_id, activity_id order by version desc, received_at desc
                ) as place
                from canonical.payouts_{payouts} where org_id = 'cedar'
            ) as payouts
            inner join (
                select batch_ref, sum(amount_minor) as amount_minor
                from (
                    select distinct activity_id, batch_ref, amount_minor
                    from canonical.legs_{feed} where org_id = 'cedar' and activity_type <> 'PAYOUT'
                ) as distinct_legs
                group by batch_ref
            ) as legs on payouts.activity_id = legs.batch_ref
            where payouts.place = 1
            order by 1
            """
        )
        wanted = {
            "shopify__payout_transactions": {"2026-03-06 JPY": 0, "220040001": 0},
            # The line of a kind that nobody knows is not among them.
            "stripe__payout_reconciliation": {"po_C1": -100, "po_C2": 0, "po_J1": 0},
            "square__transactions": {"CSDEP1": 0, "CSDEP2": 0},
        }[feed]
        assert {key: int(difference) for key, difference in rows} == wanted, feed


def test_stripe_lines(shop: FeedFolder) -> None:
    assert legs(shop, "stripe__payout_reconciliation") == sorted(
        [
            ("CHARGE", 8000, "USD", "C2101", "po_C1"),
            ("FEE", -262, "USD", "C2101", "po_C1"),
            ("REFUND", -2500, "USD", "C2090", "po_C1"),
            ("CHARGEBACK", -6000, "USD", "C2055", "po_C1"),
            ("FEE", -1500, "USD", "C2055", "po_C1"),
            ("CHARGEBACK_REVERSAL", 6000, "USD", "C2055", "po_C1"),
            ("FEE", 1500, "USD", "C2055", "po_C1"),
            ("FEE", -1000, "USD", "", "po_C1"),
            ("RESERVE_HOLD", -3000, "USD", "", "po_C1"),
            ("RESERVE_RELEASE", 1200, "USD", "", "po_C1"),
            ("CHARGE", 1234, "KWD", "", ""),
            ("FEE", -34, "KWD", "", ""),
            *[("REFUND", -500, "USD", "", "po_C2")] * 2,
            ("REFUND", -900, "USD", "C2091", "po_C2"),
            ("ADJUSTMENT", 10000, "USD", "", "po_C2"),
            ("FEE", -320, "USD", "", "po_C2"),
            ("CHARGE", 3000, "JPY", "J1", "po_J1"),
            ("FEE", -108, "JPY", "J1", "po_J1"),
        ]
    )
    rows = shop.rows(
        "select activity_id, payment_ref, cast(event_at as varchar), fee_minor, source_status, exponent"
        " from canonical.legs_stripe__payout_reconciliation where activity_id in ('txn_C9:fee', 'txn_D3') order by 1"
    )
    assert rows == [
        ("txn_C9:fee", "pi_K1", "2026-03-07 00:00:00", -34, "charge", 3),
        ("txn_D3", None, "2026-03-09 02:00:00", 0, "refund", 2),
    ]
    assert shop.rows("select record_id, reasons from staging.rejected_stripe__payout_reconciliation") == [
        ("txn_C8", "reporting_category: unmapped_kind")
    ]


def test_stripe_payouts(shop: FeedFolder) -> None:
    rows = shop.rows(
        "select org_id, activity_id, version, amount_minor, currency, cast(business_date as varchar), payment_ref,"
        " status, coalesce(description, '') from canonical.payouts_stripe__payouts"
    )
    assert sorted(rows) == [
        ("api", "po_A1", 0, 18759, "USD", "2026-03-09", None, "BOOKED", ""),
        ("api", "po_A2", 0, 2050, "USD", "2026-03-10", None, "BOOKED", ""),
        ("cedar", "po_C1", -1, 2438, "USD", "2026-03-09", "ST-C1", "BOOKED", "summed"),
        ("cedar", "po_C1", 0, 2338, "USD", "2026-03-10", "ST-C1", "BOOKED", "STRIPE PAYOUT"),
        # A sum as of each delivery that adds to it; the later one counts.
        ("cedar", "po_C2", -1, 8280, "USD", "2026-03-10", "ST-C2", "BOOKED", "summed"),
        ("cedar", "po_C2", -1, 9180, "USD", "2026-03-10", "ST-C2", "BOOKED", "summed"),
        ("cedar", "po_F1", 0, 9680, "USD", "2026-03-11", "ST-F1", "CANCELLED", "STRIPE PAYOUT"),
        ("cedar", "po_J1", -1, 2892, "JPY", "2026-03-10", "ST-J1", "BOOKED", "summed"),
        ("cedar", "po_M1", 0, 40000, "USD", "2026-03-10", "ST-M1", "NOT_ITEMISABLE", "Manual payout"),
        ("cedar", "po_N1", 0, -1400, "USD", "2026-03-11", "ST-N1", "BOOKED", "STRIPE PAYOUT"),
    ]


def test_square(shop: FeedFolder) -> None:
    assert legs(shop, "square__transactions") == sorted(
        [
            ("CHARGE", 4188, "USD", "C2201", "CSDEP1"),
            ("FEE", -124, "USD", "C2201", "CSDEP1"),
            ("CHARGE", 103616, "USD", "", "CSDEP1"),
            ("FEE", -2709, "USD", "", "CSDEP1"),
            ("REFUND", -1296, "USD", "", "CSDEP1"),
            ("CHARGE", 1000, "USD", "", "CSDEP2"),
            ("FEE", -41, "USD", "", "CSDEP2"),
            ("REFUND", -500, "USD", "", "CSDEP2"),
        ]
    )
    rows = shop.rows(
        "select activity_id, cast(event_at as varchar), cast(business_date as varchar), counterparty_id"
        " from canonical.legs_square__transactions where activity_id in ('CSPM2', 'CSPM5', 'CSPM6') order by 1"
    )
    assert rows == [
        ("CSPM2", "2026-03-06 04:15:40", "2026-03-05", "Pier 9"),
        ("CSPM5", "2026-03-05 22:30:00", "2026-03-05", "Dock"),
        ("CSPM6", "2026-03-05 08:05:00", "2026-03-05", "Dock"),
    ]
    rows = shop.rows(
        "select activity_id, amount_minor, cast(business_date as varchar), description"
        " from canonical.payouts_square__transactions order by 1"
    )
    assert rows == [("CSDEP1", 103675, "2026-03-06", "summed"), ("CSDEP2", 459, "2026-03-06", "summed")]
    rejected = shop.rows("select record_id, reasons from staging.rejected_square__transactions order by 1")
    assert rejected == [
        ("CSPM7", "sold_at: unknown_time_zone"),
        (
            "CSPM8",
            "; ".join(f"{name}: unreadable_amount" for name in ("total_collected", "card", "fees", "net_total")),
        ),
        ("CSPM9", "event_type: unmapped_kind"),
    ]


def test_identities(shop: FeedFolder) -> None:
    found = []
    for feed in FEEDS[1:]:
        found += shop.rows(
            "select org_id, balance, scope, currency, expected, actual, difference, row_number"
            f" from canonical.identities_{feed} where not holds"
        )
    assert sorted((*row[:4], *map(int, row[4:7]), row[7]) for row in found) == [
        # Two errors that make up for each other are errors all the same.
        ("broken", "batch_identity", "shopify/payout_transactions 220050001", "USD", 2800, 2850, -50, None),
        ("broken", "net_sales", "square/transactions", "USD", 1000, 900, 100, 2),
        ("broken", "row_identity", "shopify/payout_transactions", "USD", 50, 50, 0, 2),
        ("broken", "row_identity", "square/transactions", "USD", 950, 945, 5, 2),
        ("broken", "total_collected", "square/transactions", "USD", 900, 1000, -100, 2),
        ("cedar", "row_identity", "shopify/payouts", "USD", 41014, 40519, 495, 4),
    ]
    held = shop.rows(
        "select balance, scope from canonical.identities_shopify__payout_transactions"
        " where holds and balance = 'batch_identity'"
    )
    assert held == [("batch_identity", "shopify/payout_transactions 2026-03-06 JPY")]
