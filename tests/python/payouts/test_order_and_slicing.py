"""Law 3 for the stream of payouts: row order and slicing into files delivered together change nothing, on any engine.

A statement of a bank, a settlement of Amazon and one of Adyen are files that add up as a whole: a part of one does not,
and that is said of it. So the last two are shuffled and not sliced; a CSV of entries states no balances and may be. The
rows of a PayPal report have an order of their own, a balance that goes on from one to the next, and are left out here.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random

import pytest

from tests.python.laws.conftest import BOTH
from tests.python.laws.harness import Folder, NewDatabase, published_results

FIRST, SECOND = "2026-02-20T09:00:00Z", "2026-02-25T09:00:00Z"
WAYS = ("plain", "shuffled", "sliced", "both")
SEEDS = range(3)

Row = dict[str, str]


@dataclass(frozen=True)
class File:
    """Rows of one feed that are delivered together."""

    feed: str
    name: str
    rows: tuple[Row, ...]
    # Columns that keep rows in one file: without any it is the whole row, for copies count by the file.
    together: tuple[str, ...] = ()
    delimiter: str = ","
    is_whole: bool = False
    # Rows that stay on top, in whatever order the others come.
    head: int = 0

    def content(self) -> bytes:
        buffer = io.StringIO()
        names = list(dict.fromkeys(name for row in self.rows for name in row))
        writer = csv.DictWriter(buffer, names, restval="", delimiter=self.delimiter, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return buffer.getvalue().encode()

    def with_rows(self, rows: Iterable[Row], name: str = "") -> "File":
        return File(self.feed, name or self.name, tuple(rows), self.together, self.delimiter, self.is_whole, self.head)


def shuffled(file: File, random: Random) -> File:
    rows = list(file.rows[file.head :])
    random.shuffle(rows)
    return file.with_rows((*file.rows[: file.head], *rows))


def sliced(file: File, random: Random) -> Iterator[File]:
    """Two or three files of the same rows, copies in one of them; as many as there are different rows."""
    if file.is_whole:
        yield file
        return
    count = random.choice((2, 2, 3))
    places: dict[tuple[str, ...], int] = {}
    slices: list[list[Row]] = [[] for _ in range(count)]
    for row in file.rows:
        copies = tuple(row.get(name, "") for name in file.together or sorted(row))
        # Neighbours fall apart: rows of one id and of one payout go to different files wherever they may.
        place = places.setdefault(copies, len(places) % count)
        slices[place].append(row)
    random.shuffle(slices)
    for number, rows in enumerate(slices):
        if rows:
            stem, _, ending = file.name.rpartition(".")
            yield file.with_rows(rows, f"{stem}-{number}.{ending}")


def stripe_line(payout: str, id_: str, net: str, **others: str) -> Row:
    return {
        "automatic_payout_id": payout,
        "automatic_payout_effective_at": "2026-02-16 00:00:00",
        "balance_transaction_id": id_,
        "created": "2026-02-14 10:00:00",
        "currency": "usd",
        "gross": net,
        "fee": "0.00",
        "net": net,
        "reporting_category": "charge",
        "payment_intent_id": f"pi_{id_}",
        "payment_metadata[order_id]": f"S{id_}",
        "trace_id": f"ST-{payout.upper().replace('_', '')}",
        **others,
    }


def stripe_payout(id_: str, net: str, **others: str) -> Row:
    return {
        "payout_id": id_,
        "effective_at": "2026-02-16 00:00:00",
        "currency": "usd",
        "gross": net,
        "fee": "0.00",
        "net": net,
        "reporting_category": "payout",
        "payout_expected_arrival_date": "2026-02-16",
        "payout_status": "paid",
        "trace_id": f"ST-{id_.upper().replace('_', '')}",
        **others,
    }


def square_sale(deposit: str, id_: str, card: str, **others: str) -> Row:
    return {
        "Date": "2026-02-14",
        "Time": "10:02:11",
        "Time Zone": "Eastern Time (US & Canada)",
        "Total Collected": card,
        "Card": card,
        "Fees": "$0.00",
        "Net Total": card,
        "Payment ID": id_,
        "Event Type": "Payment",
        "Location": "Pier 9",
        "Deposit ID": deposit,
        "Deposit Date": "2026-02-16" if deposit else "",
        **others,
    }


# A movement has no id; these stand for it, and rows that agree in them are told apart by their number in the file.
SHOPIFY_ID = ("Transaction Date", "Type", "Order", "Checkout", "Amount", "Fee", "Currency")


def shopify_line(payout: str, order: str, amount: str, **others: str) -> Row:
    return {
        "Transaction Date": "2026-02-12 17:00:57 -0500",
        "Type": "charge",
        "Order": order,
        "Payout Status": "paid",
        "Payout Date": "2026-02-16",
        "Payout ID": payout,
        "Amount": amount,
        "Fee": "0.00",
        "Net": amount,
        "Checkout": f"c{order}",
        "Currency": "USD",
        **others,
    }


def shopify_payout(total: str, reference: str, **others: str) -> Row:
    return {
        "Payout Date": "2026-02-16",
        "Status": "paid",
        "Charges": total,
        "Refunds": "0.00",
        "Adjustments": "0.00",
        "Reserved Funds": "0.00",
        "Fees": "0.00",
        "Retried Amount": "0.00",
        "Total": total,
        "Currency": "USD",
        "Bank Reference": reference,
        **others,
    }


def adyen_line(kind: str, reference: str, credit: str, debit: str = "", **others: str) -> Row:
    return {
        "Company Account": "Shop",
        "Merchant Account": "SHOP_EU",
        "Psp Reference": reference,
        "Merchant Reference": reference,
        "Payment Method": "visa",
        "Creation Date": "2026-02-14 19:01:32",
        "TimeZone": "CET",
        "Type": kind,
        "Modification Reference": f"M{reference}",
        "Gross Currency": "EUR",
        "Gross Debit (GC)": debit,
        "Gross Credit (GC)": credit,
        "Exchange Rate": "1",
        "Net Currency": "EUR",
        "Net Debit (NC)": debit,
        "Net Credit (NC)": credit,
        "Commission (NC)": "",
        "Markup (NC)": "",
        "Scheme Fees (NC)": "",
        "Interchange (NC)": "",
        "Batch Number": "7",
        **others,
    }


def amazon_line(amount: str, **others: str) -> Row:
    return {
        "settlement-id": "26100000001",
        "settlement-start-date": "",
        "settlement-end-date": "",
        "deposit-date": "",
        "total-amount": "",
        "currency": "",
        "transaction-type": "Order",
        "order-id": "111-1",
        "merchant-order-id": "Z1",
        "adjustment-id": "",
        "shipment-id": "S1",
        "marketplace-name": "Amazon.com",
        "amount-type": "ItemPrice",
        "amount-description": "Principal",
        "amount": amount,
        "fulfillment-id": "AFN",
        "posted-date": "2026-02-09",
        "posted-date-time": "2026-02-09 14:00:50 UTC",
        "order-item-code": "9001",
        "merchant-order-item-id": "",
        "merchant-adjustment-item-id": "",
        "sku": "WT-L",
        "quantity-purchased": "1",
        "promotion-id": "",
        **others,
    }


def amazon_summary(total: str) -> Row:
    dates = {
        "settlement-start-date": "2026-02-02 00:00:00 UTC",
        "settlement-end-date": "2026-02-15 23:59:59 UTC",
        "deposit-date": "2026-02-16 08:00:00 UTC",
    }
    blank = dict.fromkeys(amazon_line("0.00"), "")
    return {**blank, "settlement-id": "26100000001", **dates, "total-amount": total, "currency": "USD"}


# An entry without an own reference has its texts for an id.
ENTRY_ID = ("Account", "Booking Date", "Amount", "Bank Ref")


def entry(amount: str, text: str, reference: str = "", day: str = "2026-02-17", currency: str = "USD") -> Row:
    return {
        "Account": "000111",
        "Booking Date": day,
        "Amount": amount,
        "Currency": currency,
        "Bank Ref": reference,
        "Description": text,
    }


OTHER = {"transaction-type": "other-transaction", "order-id": "", "merchant-order-id": "", "shipment-id": ""}

# story -> what is delivered first and second
STORIES: dict[str, tuple[list[File], list[File]]] = {
    "stripe": (
        [
            File(
                "stripe/payout_reconciliation",
                "lines.csv",
                (
                    # A payout that no report tells: the sum of its lines, which the slices tear apart.
                    *(stripe_line("po_sum", f"t{n}", f"{n}0.01") for n in range(1, 6)),
                    # One transaction with two amounts, and in two payouts.
                    stripe_line("po_sum", "t7", "11.00"),
                    stripe_line("po_sum", "t7", "12.00"),
                    stripe_line("po_sum", "t8", "5.00"),
                    stripe_line("po_two", "t8", "5.00"),
                    stripe_line("po_two", "t9", "40.00", trace_id=""),
                    # One row too many.
                    *([stripe_line("po_two", "t10", "2.00")] * 2),
                    # Nothing odd but the slices.
                    *(stripe_line("po_clean", f"t3{n}", f"{n}.10") for n in range(1, 5)),
                    stripe_line("po_told", "t11", "30.00"),
                    stripe_line("po_told", "t12", "-4.00", reporting_category="refund"),
                    stripe_line("po_debit", "t13", "-9.00", reporting_category="refund"),
                ),
            ),
            File(
                "stripe/payouts",
                "payouts.csv",
                (
                    stripe_payout("po_told", "26.00"),
                    stripe_payout("po_debit", "-9.00"),
                    stripe_payout("po_unknown", "-3.00"),
                    stripe_payout("po_manual", "70.00", payout_description="MANUAL PAYOUT"),
                    # Two contents of one payout, with what the bank will say and without.
                    stripe_payout("po_either", "80.00"),
                    stripe_payout("po_either", "81.00"),
                    stripe_payout("po_neither", "90.00", trace_id=""),
                    stripe_payout("po_neither", "91.00", trace_id=""),
                ),
            ),
            File(
                "bank/statement",
                "bank.csv",
                (
                    entry("150.05", "STRIPE TRANSFER ST-POSUM"),
                    entry("10.40", "STRIPE TRANSFER ST-POCLEAN"),
                    entry("26.00", "STRIPE TRANSFER ST-POTOLD"),
                    entry("70.00", "STRIPE TRANSFER"),
                    entry("-9.00", "STRIPE ST-PODEBIT"),
                ),
            ),
        ],
        [
            File(
                "stripe/payout_reconciliation",
                "lines.csv",
                (
                    stripe_line("po_sum", "t1", "10.01"),
                    stripe_line("po_sum", "t20", "0.50"),
                    stripe_line("po_sum", "t21", "0.25"),
                    stripe_line("po_unknown", "t22", "-1.00", reporting_category="refund"),
                    stripe_line("po_unknown", "t23", "-2.00", reporting_category="refund"),
                    stripe_line("po_clean", "t35", "5.10"),
                ),
            ),
            File("stripe/payouts", "payouts.csv", (stripe_payout("po_neither", "91.00", trace_id=""),)),
        ],
    ),
    # Exports of the API's rows: what is paid out is below zero, in every one of several files.
    "stripe_api": (
        [
            File("stripe/payouts", "payouts.csv", tuple(stripe_payout(f"po_{n}", f"-{n}0.00") for n in range(1, 5))),
            File(
                "stripe/payout_reconciliation",
                "lines.csv",
                (
                    stripe_line("po_1", "t1", "4.00"),
                    stripe_line("po_1", "t2", "6.00"),
                    stripe_line("po_2", "t3", "9.00"),
                ),
            ),
            File("bank/statement", "bank.csv", tuple(entry(f"{n}0.00", f"STRIPE ST-PO{n}") for n in range(1, 4))),
        ],
        [
            # The bank was debited: it is above zero here, and nothing else changes its sign for it.
            File("stripe/payouts", "payouts.csv", (stripe_payout("po_back", "8.00"), stripe_payout("po_6", "-60.00"))),
            File(
                "stripe/payout_reconciliation",
                "lines.csv",
                (
                    stripe_line("po_back", "t5", "-5.00", reporting_category="refund"),
                    stripe_line("po_back", "t6", "-3.00", reporting_category="refund"),
                ),
            ),
        ],
    ),
    # Only one payout as yet, and below zero: as it stands. The next ones say what it is.
    "stripe_api_slow": (
        [File("stripe/payouts", "payouts.csv", (stripe_payout("po_1", "-10.00"),))],
        [File("stripe/payouts", "payouts.csv", (stripe_payout("po_2", "-20.00"), stripe_payout("po_3", "-30.00")))],
    ),
    "square": (
        [
            File(
                "square/transactions",
                "sales.csv",
                (
                    *(square_sale("D1", f"P{n}", f"${n}0.00") for n in range(1, 6)),
                    # One payment with two amounts, and in two deposits.
                    square_sale("D1", "P7", "$8.00"),
                    square_sale("D1", "P7", "$7.00"),
                    square_sale("D2", "P8", "$3.00"),
                    square_sale("D1", "P8", "$3.00"),
                    *([square_sale("D2", "P9", "$2.50")] * 2),
                    square_sale("D2", "P10", "$4.00", Fees="-$0.40", **{"Net Total": "$3.60"}),
                    square_sale("D2", "P11", "$1.00", **{"Deposit Date": "2026-02-17"}),
                    square_sale("", "P12", "$6.00"),
                    *(square_sale("D4", f"P3{n}", f"${n}.20") for n in range(1, 5)),
                ),
            ),
            File("bank/statement", "bank.csv", (entry("160.00", "SQUARE INC"), entry("10.80", "SQUARE INC"))),
        ],
        [
            File(
                "square/transactions",
                "sales.csv",
                (
                    square_sale("D1", "P1", "$10.00"),
                    square_sale("D1", "P21", "$1.10"),
                    square_sale("D1", "P22", "$2.20"),
                    square_sale("D3", "P12", "$6.00"),
                    # Told otherwise than before.
                    square_sale("D1", "P2", "$21.00"),
                ),
            ),
        ],
    ),
    "shopify": (
        [
            File(
                "shopify/payout_transactions",
                "lines.csv",
                (
                    shopify_line("118", "#A1", "60.00"),
                    shopify_line("118", "#A2", "10.00"),
                    shopify_line("119", "#A3", "5.00"),
                    # The same movement in two payouts, in one state and another, and twice in one.
                    shopify_line("118", "#A4", "7.00"),
                    shopify_line("119", "#A4", "7.00"),
                    shopify_line("119", "#A5", "3.00", **{"Payout Status": "in_transit"}),
                    shopify_line("119", "#A5", "3.00"),
                    *([shopify_line("119", "#A6", "1.00")] * 2),
                    shopify_line("", "#A7", "9.00", **{"Payout Status": "pending", "Payout Date": ""}),
                    shopify_line("", "#A8", "4.00", **{"Payout Status": "pending", "Payout Date": ""}),
                    shopify_line(
                        "", "#A8", "-4.00", **{"Payout Status": "pending", "Payout Date": "", "Type": "refund"}
                    ),
                    # One movement with two nets: the file is wrong, and one of them counts.
                    shopify_line("120", "#A9", "6.00", **{"Payout Date": "2026-02-17"}),
                    shopify_line("120", "#A9", "6.00", **{"Payout Date": "2026-02-17", "Net": "5.00"}),
                ),
                SHOPIFY_ID,
            ),
            # Two exports that overlap and do not agree on a movement: by it two payouts of a day are told apart.
            *(
                File(
                    "shopify/payout_transactions",
                    f"overlap_{net}.csv",
                    (
                        shopify_line("130", "#C1", "6.00", **{"Payout Date": "2026-02-19", "Net": net}),
                        shopify_line("131", "#C2", "9.00", **{"Payout Date": "2026-02-19"}),
                        shopify_line("", f"#C{net}", "2.00", **{"Payout Status": "pending", "Payout Date": ""}),
                    ),
                    SHOPIFY_ID,
                )
                for net in ("5.00", "6.00")
            ),
            File(
                "shopify/payouts",
                "payouts.csv",
                (
                    shopify_payout("77.00", "ST-AAAA"),
                    shopify_payout("20.00", "ST-BBBB"),
                    shopify_payout("11.00", "ST-CCCC", **{"Payout Date": "2026-02-17"}),
                    shopify_payout("5.00", "ST-DDDD", **{"Payout Date": "2026-02-19"}),
                    shopify_payout("9.00", "ST-EEEE", **{"Payout Date": "2026-02-19"}),
                ),
            ),
            File("bank/statement", "bank.csv", (entry("77.00", "SHOPIFY ST-AAAA"), entry("20.00", "SHOPIFY ST-BBBB"))),
        ],
        [
            File(
                "shopify/payout_transactions",
                "lines.csv",
                (
                    shopify_line("118", "#A1", "60.00"),
                    shopify_line("121", "#A7", "9.00", **{"Payout Date": "2026-02-18"}),
                    shopify_line("121", "#B1", "2.00", **{"Payout Date": "2026-02-18"}),
                ),
                SHOPIFY_ID,
            ),
            File("shopify/payouts", "payouts.csv", (shopify_payout("11.00", "", **{"Payout Date": "2026-02-18"}),)),
        ],
    ),
    "adyen": (
        [
            File(
                "adyen/settlement_details",
                "batch_7.csv",
                (
                    adyen_line("Settled", "R1", "100.00"),
                    adyen_line("Settled", "R2", "50.00"),
                    # Two fees of one name and two refunds of one payment: nothing but their amounts and days differ.
                    adyen_line("Fee", "", "", "1.00", **{"Gross Currency": "", "Gross Debit (GC)": ""}),
                    adyen_line("Fee", "", "", "2.00", **{"Gross Currency": "", "Gross Debit (GC)": ""}),
                    adyen_line("Refunded", "R1", "", "10.00"),
                    adyen_line("Refunded", "R1", "", "10.00", **{"Creation Date": "2026-02-15 10:00:00"}),
                    adyen_line(
                        "MerchantPayout",
                        "",
                        "",
                        "127.00",
                        **{"Modification Reference": "TX1234567XT batch 7, SHOP_EU", "Gross Debit (GC)": ""},
                        **{"Gross Currency": ""},
                    ),
                ),
                is_whole=True,
            ),
        ],
        [File("bank/statement", "bank.csv", (entry("127.00", "ADYEN TX1234567XT BATCH 7", currency="EUR"),))],
    ),
    "amazon": (
        [
            File(
                "amazon/settlement_v2",
                "settlement.txt",
                (
                    amazon_summary("78.50"),
                    amazon_line("80.00"),
                    amazon_line("5.00"),
                    amazon_line("-12.00", **{"amount-type": "ItemFees", "amount-description": "Commission"}),
                    amazon_line(
                        "3.00", **OTHER, **{"amount-type": "other-transaction", "amount-description": "Storage Fee"}
                    ),
                    amazon_line(
                        "2.50",
                        **OTHER,
                        **{"amount-type": "other-transaction", "amount-description": "Storage Fee"},
                        **{"posted-date-time": "2026-02-11 14:00:50 UTC"},
                    ),
                ),
                delimiter="\t",
                is_whole=True,
                head=1,
            ),
        ],
        [File("bank/statement", "bank.csv", (entry("78.50", "AMAZON PAYMENTS 26100000001"),))],
    ),
    "bank": (
        [
            File(
                "bank/statement",
                "bank.csv",
                (
                    # One reference for two entries, and entries that only their texts tell apart or nothing does.
                    entry("5.00", "STRIPE TRANSFER ST-P1", "REF1"),
                    entry("5.00", "SHOPIFY TRANSFER ST-P2", "REF1"),
                    entry("6.00", "STRIPE TRANSFER ST-P3"),
                    entry("6.00", "STRIPE TRANSFER ST-P4"),
                    *([entry("7.00", "STRIPE TRANSFER ST-P5")] * 2),
                    entry("8.00", "RENT"),
                ),
                ENTRY_ID,
            ),
            File("stripe/payouts", "payouts.csv", tuple(stripe_payout(f"p_{n}", f"{4 + n}.00") for n in range(1, 5))),
        ],
        [
            File(
                "bank/statement",
                "bank.csv",
                (
                    entry("5.00", "SHOPIFY TRANSFER ST-P2", "REF1"),
                    entry("5.00", "STRIPE TRANSFER ST-P1", "REF1"),
                    entry("9.00", "STRIPE TRANSFER ST-P9", day="2026-02-24"),
                    entry("8.00", "STRIPE TRANSFER ST-P4", day="2026-02-24"),
                ),
                ENTRY_ID,
            ),
        ],
    ),
}


def plain_ones(files: Iterable[File], _: Random) -> list[File]:
    return list(files)


def shuffled_ones(files: Iterable[File], random: Random) -> list[File]:
    return [shuffled(file, random) for file in files]


def sliced_ones(files: Iterable[File], random: Random) -> list[File]:
    return [part for file in files for part in sliced(file, random)]


def both_ones(files: Iterable[File], random: Random) -> list[File]:
    return shuffled_ones(sliced_ones(shuffled_ones(files, random), random), random)


MAKERS: dict[str, Callable[[Iterable[File], Random], list[File]]] = dict(
    zip(WAYS, (plain_ones, shuffled_ones, sliced_ones, both_ones), strict=True)
)


def orgs(story: str) -> Iterator[tuple[str, str, int]]:
    """Org, way and seed; the plain one first."""
    yield f"{story}-plain-0", "plain", 0
    for way in WAYS[1:]:
        for seed in SEEDS:
            yield f"{story}-{way}-{seed}", way, seed


def put(folder: Folder, number: int) -> None:
    """Deliver what the stories have for a run, in all ways."""
    for story, runs in STORIES.items():
        for org, way, seed in orgs(story):
            for file in MAKERS[way](runs[number], Random(f"{org} {number} {seed}")):
                path = folder.root / "inbox" / org / file.feed / file.name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(file.content())


def run(folder: Folder, as_of: str, *arguments: str) -> str:
    """A run whose books close; the hash of the stream's results."""
    done = folder.start(datetime.fromisoformat(as_of), *arguments)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    summary = json.loads(done.stdout)
    assert summary["laws"]["failed"] == 0
    assert summary["landed"]["failed_files"] == 0
    assert summary["landed"]["rejected"] == 0
    return str(summary["streams"]["ecommerce_payouts"]["results_hash"])


Said = dict[str, list[str]]


def said(folder: Folder) -> Said:
    """By org, without its name: results, what of them is an exception, and payouts, as lines to compare."""
    found: Said = {}
    for org, rows in published_results(folder).items():
        found[org] = [f"{row[0][1:]} {row[1:]}" for row in rows]
    exceptions = (
        "select org_id, ladder, anomaly, source_activity_id, target_activity_id, amount_minor from marts.exceptions"
        " where state = 'OPEN' and anomaly <> 'SOURCE_DOES_NOT_ADD_UP'"
    )
    for query in (exceptions, "select * exclude (batch_id, row_number) from marts.payout_tie_out"):
        for org, *values in folder.published(query):
            found.setdefault(org, []).append(repr(values))
    return {org: sorted(lines) for org, lines in found.items()}


@dataclass(frozen=True)
class Told:
    """What an engine says after each run, and the hashes of its results."""

    folder: Folder
    after: tuple[Said, Said]
    hashes: tuple[str, str]


@pytest.fixture(scope="module")
def tell(tmp_path_factory: pytest.TempPathFactory, lasting_database: NewDatabase) -> Callable[[str], Told]:
    """Both runs on an engine, done once."""
    known: dict[str, Told] = {}

    def make(target: str) -> Told:
        if target not in known:
            folder = Folder(Path(tmp_path_factory.mktemp(f"slices-{target}")), target, lasting_database(target))
            put(folder, 0)
            first = run(folder, FIRST)
            after_first = said(folder)
            put(folder, 1)
            second = run(folder, SECOND)
            known[target] = Told(folder, (after_first, said(folder)), (first, second))
        return known[target]

    return make


@pytest.mark.parametrize("target", BOTH)
@pytest.mark.xdist_group("payouts-slices")
def test_any_order_and_any_slicing_give_the_same(tell: Callable[[str], Told], target: str) -> None:
    told = tell(target)
    for number, found in enumerate(told.after):
        for story in STORIES:
            plain, *others = [org for org, _, _ in orgs(story)]
            assert found[plain]
            for org in others:
                assert found.get(org) == found[plain], f"{org}, run {number + 1}"


@pytest.mark.postgres
@pytest.mark.xdist_group("payouts-slices")
def test_the_engines_and_a_full_refresh_give_the_same(tell: Callable[[str], Told]) -> None:
    told = tell("duckdb")
    assert tell("postgres").hashes == told.hashes
    assert tell("postgres").after == told.after
    assert run(told.folder, SECOND, "--full-refresh") == told.hashes[1]


@pytest.mark.parametrize("target", BOTH)
@pytest.mark.xdist_group("payouts-slices")
def test_a_payout_whose_lines_came_in_several_files_is_one_sum(tell: Callable[[str], Told], target: str) -> None:
    folder = tell(target).folder
    for story, payouts in (("stripe", [("po_clean", 1550, 1550)]), ("square", [("D4", 1080, 1080)])):
        for org, _, _ in orgs(story):
            found = folder.published(
                "select payout_id, net_minor, payout_minor from marts.payout_tie_out"
                f" where org_id = '{org}' and payout_id in ('po_clean', 'D4')"
            )
            assert found == payouts, org


@pytest.mark.parametrize("target", BOTH)
@pytest.mark.xdist_group("payouts-slices")
def test_exports_with_the_sign_of_the_balance_are_known_by_all_that_came(
    tell: Callable[[str], Told], target: str
) -> None:
    folder = tell(target).folder
    wanted = {
        "stripe": {"po_told": 2600, "po_debit": -900, "po_unknown": -300, "po_manual": 7000},
        "stripe_api": {"po_1": 1000, "po_2": 2000, "po_3": 3000, "po_4": 4000, "po_6": 6000, "po_back": -800},
        "stripe_api_slow": {"po_1": 1000, "po_2": 2000, "po_3": 3000},
    }
    for story, payouts in wanted.items():
        for org, _, _ in orgs(story):
            found = dict(
                folder.published(f"select payout_id, payout_minor from marts.payout_tie_out where org_id = '{org}'")
            )
            assert {id_: found[id_] for id_ in payouts} == payouts, org
