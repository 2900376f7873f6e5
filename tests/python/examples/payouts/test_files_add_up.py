"""The arithmetic of every file of a world without faults, computed anew by readers that know nothing of the writers."""

import itertools
from collections import defaultdict
from decimal import Decimal

from tests.python.examples.payouts.readers import (
    ZERO,
    amount,
    bai2,
    camt,
    decoded,
    grouped,
    mt940,
    ofx,
    signed,
    stl,
    table,
)


def test_a_clean_world_expects_nothing(clean):
    assert clean.table("findings") == []
    assert {row["state"] for row in clean.table("payouts")} == {"TIED_OUT", "IN_TRANSIT", "FEED_LATE"}
    assert not clean.second.exists()


def test_shop_orders(clean):
    seen = 0
    for org in ("harbour_pine", "pier_four", "late_lane"):
        for path in clean.files("shopify/orders", org=org):
            order, worth = None, ZERO
            for row in [*table(path), None]:
                if row is None or row["Total"]:
                    if order:
                        assert worth - amount(order["Discount Amount"]) == amount(order["Subtotal"]), order["Name"]
                    if row is None:
                        break
                    order, worth = row, ZERO
                    extra = amount(row["Taxes"]) if row["Currency"] == "USD" else ZERO
                    assert amount(row["Total"]) == amount(row["Subtotal"]) + amount(row["Shipping"]) + extra
                    assert amount(row["Refunded Amount"]) <= amount(row["Total"])
                    seen += 1
                assert row["Name"] == order["Name"]
                worth += amount(row["Lineitem price"]) * int(row["Lineitem quantity"])
    assert seen == 2000


def test_shopify_payments(clean):
    rows = [row for path in clean.files("shopify/payout_transactions") for row in table(path)]
    assert all(amount(row["Net"]) == amount(row["Amount"]) - amount(row["Fee"]) for row in rows)
    sums = grouped([row for row in rows if row["Payout ID"]], "Payout ID", "Net")
    dates = {row["Payout ID"]: (row["Payout Date"], row["Currency"]) for row in rows}
    payouts = [row for path in clean.files("shopify/payouts") for row in table(path)]
    parts = ("Charges", "Refunds", "Adjustments", "Reserved Funds", "Fees", "Retried Amount")
    for row in payouts:
        assert sum(amount(row[part]) for part in parts) == amount(row["Total"])
    totals = {(row["Payout Date"], row["Currency"]): amount(row["Total"]) for row in payouts}
    assert len(totals) == len(payouts)
    assert {dates[id_]: total for id_, total in sums.items()} == totals
    pending = [row for row in rows if not row["Payout ID"]]
    assert pending
    assert {row["Payout Status"] for row in pending} == {"pending"}


def test_stripe(clean):
    rows = [row for path in clean.files("stripe/payout_reconciliation") for row in table(path)]
    assert all(amount(row["net"]) == amount(row["gross"]) - amount(row["fee"]) for row in rows)
    assert len({row["balance_transaction_id"] for row in rows}) == len(rows)
    payouts = [row for path in clean.files("stripe/payouts") for row in table(path)]
    assert grouped(rows, "automatic_payout_id", "net") == {row["payout_id"]: amount(row["net"]) for row in payouts}


def test_adyen(clean):
    fees = ("Commission (NC)", "Markup (NC)", "Scheme Fees (NC)", "Interchange (NC)")
    files = clean.files("adyen/settlement_details")
    assert len(files) > 50
    for path in files:
        rows = table(path)
        net = {id(row): amount(row["Net Credit (NC)"]) - amount(row["Net Debit (NC)"]) for row in rows}
        assert sum(net.values()) == 0
        for row in rows:
            gross = amount(row["Gross Credit (GC)"]) - amount(row["Gross Debit (GC)"])
            if row["Gross Currency"]:
                assert net[id(row)] == gross * amount(row["Exchange Rate"]) - sum(amount(row[fee]) for fee in fees)
        assert [row["Type"] for row in rows].count("MerchantPayout") == 1
        assert {row["Batch Number"] for row in rows} == {path.stem.rpartition("_")[2]}


def test_paypal_settlement(clean):
    files = clean.files("paypal/settlement")
    assert len(files) > 50
    for path in files:
        body, footers = stl(path)
        for currency, footer in footers.items():
            rows = [row for row in body if row["Gross Transaction Currency"] == currency]
            gross = [signed(row, "Transaction Debit or Credit", "Gross Transaction Amount") for row in rows]
            fees = [signed(row, "Fee Debit or Credit", "Fee Amount") for row in rows]
            sums = [sum(value for value in values if value > 0) for values in (gross, fees)]
            away = [-sum(value for value in values if value < 0) for values in (gross, fees)]
            assert [int(value) for value in footer[:4]] == [sums[0], away[0], sums[1], away[1]]
            assert sum(gross) + sum(fees) == 0
            assert int(footer[-1]) == len(rows)
            assert [row["Transaction Event Code"] for row in rows].count("T0400") == 1


def test_paypal_activity(clean):
    balance = ZERO
    rows = [row for path in clean.files("paypal/activity", org="pier_four") for row in table(path)]
    for row in rows:
        balance += amount(row["Net"])
        assert amount(row["Net"]) == amount(row["Gross"]) + amount(row["Fee"])
        assert amount(row["Balance"]) == balance
    assert balance == 0
    assert len(rows) > 30


def test_amazon(clean):
    for org, comma in (("harbour_pine", False), ("pier_four", True)):
        reserve = ZERO
        files = clean.files("amazon/settlement_v2", org=org)
        assert len(files) >= 3
        for path in files:
            rows = table(path, "\t")
            if comma:
                for row in rows:
                    assert "." not in row["amount"] + row["total-amount"]
                    row["amount"], row["total-amount"] = (
                        row[name].replace(",", ".") for name in ("amount", "total-amount")
                    )
            head, lines = rows[0], rows[1:]
            assert sum(amount(row["amount"]) for row in lines) == amount(head["total-amount"])
            assert all(not row["total-amount"] and not row["currency"] for row in lines)
            back = sum(amount(row["amount"]) for row in lines if row["amount-description"].startswith("Previous"))
            kept = sum(amount(row["amount"]) for row in lines if row["amount-description"].startswith("Current"))
            assert back == -reserve
            reserve = kept


def test_square(clean):
    rows = [row for path in clean.files("square/transactions") for row in table(path)]
    deposits: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        value = {name: amount(text) for name, text in row.items() if "$" in text}
        assert value["Net Sales"] == value["Gross Sales"] + value["Discounts"] + value["Service Charges"]
        assert value["Total Collected"] == value["Net Sales"] + value["Gift Card Sales"] + value["Tax"] + value["Tip"]
        assert value["Net Total"] == value["Total Collected"] + value["Fees"]
        assert value["Total Collected"] == value["Card"] + value["Cash"]
        deposits[row["Deposit ID"]] += value["Card"] + value["Fees"]
    paid = {row["payout_id"]: int(row["payout_minor"]) for row in clean.table("payouts") if row["system"] == "square"}
    assert {id_: int(total * 100) for id_, total in deposits.items()} == paid


def test_statements(clean):
    for reader, pattern in ((camt, "*.xml"), (mt940, "*.sta"), (bai2, "*.bai")):
        statements = [found for path in clean.files("bank/statement", pattern) for found in reader(path)]
        statements.sort(key=lambda found: found.number)
        assert len(statements) > 40, pattern
        assert all(found.adds_up for found in statements)
        assert [found.number for found in statements] == list(range(1, len(statements) + 1))
        for before, after in itertools.pairwise(statements):
            assert before.closing == after.opening
        assert all(stated == counted for found in statements for stated, counted in found.totals)
        ids = [entry[0] for found in statements for entry in found.entries]
        assert len(set(ids)) == len(ids)


def test_ofx(clean):
    before = None
    for path in clean.files("bank/statement", "*.ofx"):
        entries, balance = ofx(path)
        if before is not None:
            assert before + sum(entry[1] for entry in entries) == balance
        before = balance


def test_bank_csv(clean):
    rows = []
    for path in clean.files("bank/statement", "4321_*.CSV"):
        lines = decoded(path).splitlines()
        assert all(line.endswith(",,") for line in lines[1:])
        rows += [line.rsplit('",', 1)[1].split(",") for line in reversed(lines[1:])]
    for before, after in itertools.pairwise(rows):
        assert amount(before[2]) + amount(after[0]) == amount(after[2])
    assert len(rows) > 60
    german = [row for path in clean.files("bank/statement", "*.CSV", "pier_four") for row in table(path, ";")]
    assert all(row["Betrag"].replace(",", ".", 1) for row in german)
    assert len(german) > 20
