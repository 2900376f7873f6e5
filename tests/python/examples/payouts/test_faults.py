"""Every fault of the catalogue is done, as often as the summary says, and is in the files where the key says."""

import itertools

import pytest

from examples.payouts.catalogue import BY_NAME, FAULTS, chosen
from tests.python.examples.payouts.readers import amount, bai2, camt, decoded, grouped, mt940, signed, stl, table


def found(made, fault, code=None):
    rows = [row for row in made.table("findings") if row["fault"] == fault and row["expected"] == "must"]
    return [row for row in rows if code is None or row["anomaly"].split("|")[0] == code]


def everything(made, feed):
    return [row for path in made.files(feed) for row in table(path)]


def shop_orders(made):
    return {row["Name"]: row for row in everything(made, "shopify/orders") if row["Total"]}


def test_every_fault_is_done(faulty):
    done = faulty.summary["faults"]
    assert set(done) == set(BY_NAME)
    for fault in FAULTS:
        if fault.grain in ("payout", "statement"):
            assert done[fault.name] == fault.count, fault.name
    for fault in FAULTS:
        if any(not code.startswith("?") for code in fault.anomalies):
            assert found(faulty, fault.name), fault.name
        else:
            assert not found(faulty, fault.name), fault.name


@pytest.mark.parametrize("fault", [fault.name for fault in FAULTS])
def test_a_fault_alone_finds_only_its_own(world, fault):
    made = world(fault)
    assert set(made.summary["faults"]) == {fault}
    assert {row["fault"] for row in made.table("findings")} <= {fault}


def test_orders_without_payment_and_payments_without_order(faulty):
    orders = shop_orders(faulty)
    text = "".join(
        decoded(path)
        for feed in (
            "stripe/payout_reconciliation",
            "adyen/settlement_details",
            "paypal/settlement",
            "square/transactions",
        )
        for path in faulty.files(feed)
    )
    text += "".join(decoded(path) for path in faulty.files("shopify/payout_transactions"))
    text += "".join(decoded(path) for path in faulty.files("amazon/settlement_v2"))
    for row in found(faulty, "order_without_payment"):
        assert row["id"] in orders
        assert row["id"].removeprefix("#") not in text
    for row in found(faulty, "payment_without_order"):
        name = next(other for other in row["other_ids"].split() if other.startswith("#"))
        assert name not in orders
        assert name.removeprefix("#") in text


def test_amounts_and_currencies_of_charges(faulty):
    orders = shop_orders(faulty)
    ways = {row["order_name"]: row for row in faulty.table("orders")}
    for row in found(faulty, "charge_amount"):
        way = ways[row["id"]]
        assert int(way["ordered_minor"]) - int(way["charge_minor"]) == int(row["amount_minor"]) != 0
    charges = {row["balance_transaction_id"]: row for row in everything(faulty, "stripe/payout_reconciliation")}
    for row in found(faulty, "charge_currency"):
        charge = charges[ways[row["id"]]["charge_id"]]
        assert charge["currency"].upper() == "EUR" != orders[row["id"]]["Currency"]
        assert amount(charge["gross"]) == amount(orders[row["id"]]["Total"])


def test_lines_of_payouts(faulty):
    rows = {row["balance_transaction_id"]: row for row in everything(faulty, "stripe/payout_reconciliation")}
    sums = grouped(list(rows.values()), "automatic_payout_id", "net")
    headers = {row["payout_id"]: row for row in everything(faulty, "stripe/payouts")}
    seen = set()
    for row in found(faulty, "payout_line_missing", "PAYOUT_DOES_NOT_ADD_UP"):
        if row["system"] == "stripe":
            assert sums[row["id"]] < amount(headers[row["id"]]["net"])
        if row["system"] == "paypal":
            [path] = [path for path in faulty.files("paypal/settlement") if path.name in row_file(faulty, row)]
            body, footers = stl(path)
            assert sum(int(footer[-1]) for footer in footers.values()) == len(body) + 1
        seen.add(row["system"])
    assert {"stripe", "paypal", "adyen", "amazon", "shopify"} == seen
    for row in found(faulty, "payout_without_lines"):
        assert row["id"] in headers
        assert row["id"] not in sums
    for row in found(faulty, "extra_decimals", "PAYOUT_DOES_NOT_ADD_UP"):
        members = [line for line in rows.values() if line["automatic_payout_id"] == row["id"]]
        yen = members[0]["currency"].upper() == "JPY"
        assert any(len(line["gross"].partition(".")[2]) > (0 if yen else 2) for line in members)


def row_file(made, row):
    return next(payout["file"] for payout in made.table("payouts") if payout["payout_id"] == row["id"])


def test_broken_files_do_not_add_up(faulty):
    files = {row["file"] or row["id"] for row in found(faulty, "payout_total_off", "SOURCE_DOES_NOT_ADD_UP")}
    assert files
    for path in faulty.files("adyen/settlement_details"):
        rows = table(path)
        total = sum(amount(row["Net Credit (NC)"]) - amount(row["Net Debit (NC)"]) for row in rows)
        expected = path.name in files or path.name in {
            row["id"] for row in found(faulty, "payout_line_missing", "SOURCE_DOES_NOT_ADD_UP")
        }
        assert (total != 0) == expected, path.name


def test_payout_headers(faulty):
    dates = {(row["Payout Date"], row["Currency"]) for row in everything(faulty, "shopify/payouts")}
    for row in found(faulty, "payout_header_missing"):
        lines = [line for line in everything(faulty, "shopify/payout_transactions") if line["Payout ID"] == row["id"]]
        assert lines
        assert (lines[0]["Payout Date"].replace("/", "-"), lines[0]["Currency"]) not in dates


def test_unmapped_kinds(faulty):
    feeds = ("stripe/payout_reconciliation", "adyen/settlement_details", "paypal/settlement")
    text = "".join(decoded(path) for feed in feeds for path in faulty.files(feed))
    resent = decoded(
        next(path for path in faulty.files("stripe/payout_reconciliation") if path.name.startswith("resent"))
    )
    hits = sum(text.count(word) - resent.count(word) for word in ("harbour_levy", "HarbourLevy", "T2299"))
    assert hits == len(found(faulty, "unmapped_type", "PAYOUT_DOES_NOT_ADD_UP")) == 3


def test_pairs_and_twins(faulty):
    rows = everything(faulty, "stripe/payout_reconciliation")
    first = [path for path in faulty.files("stripe/payout_reconciliation") if not path.name.startswith("resent")]
    lines = [row for path in first for row in table(path)]
    ids = [row["balance_transaction_id"] for row in lines]
    assert {id_ for id_ in ids if ids.count(id_) > 1} == {row["id"] for row in found(faulty, "duplicate_row")}
    for row in found(faulty, "settled_twice"):
        if row["system"] == "stripe":
            mine = {r["balance_transaction_id"]: r for r in rows}[row["id"]]
            twins = [r for r in lines if r["charge_id"] == mine["charge_id"] and r["reporting_category"] == "charge"]
            assert len({r["automatic_payout_id"] for r in twins}) == 2


def test_statements(faulty):
    by_fault = {name: [row["id"] for row in found(faulty, name)] for name in BY_NAME}
    broken, torn, wrong, gaps = [], [], [], []
    for reader, pattern in ((camt, "*.xml"), (mt940, "*.sta"), (bai2, "*.bai")):
        statements = [found for path in faulty.files("bank/statement", pattern) for found in reader(path)]
        statements.sort(key=lambda one: one.number)
        broken += [one.file for one in statements if not one.adds_up]
        wrong += [one.file for one in statements for stated, counted in one.totals if stated != counted]
        for before, after in itertools.pairwise(statements):
            torn += [after.file] * (before.closing != after.opening)
            gaps += [after.file] * (after.number != before.number + 1)
    assert sorted(broken) == sorted(by_fault["statement_arithmetic"])
    assert sorted(torn) == sorted(by_fault["statement_does_not_continue"])
    assert wrong == by_fault["control_total"]
    assert gaps == by_fault["sequence_gap"]


def test_pending_entries_are_booked_later(faulty):
    statements = [one for path in faulty.files("bank/statement", "*.xml") for one in camt(path)]
    pending = [entry for one in statements for entry in one.pending]
    assert len(pending) == 1
    later = [entry for one in statements for entry in one.entries if entry[2] == pending[0][2]]
    assert [entry[1] for entry in later] == [pending[0][1]]


def test_deposits_in_several_entries_and_beside_others(faulty):
    payouts = [row for row in faulty.table("payouts") if row["fault"].startswith("deposit_")]
    of = {
        name: [row for row in payouts if row["fault"] == f"deposit_{name}"] for name in ("split", "returned", "bundled")
    }
    assert all(of.values())
    assert {len(row["deposit_id"].split(", ")) for row in of["split"]} == {2}
    assert {len(row["deposit_id"].split(", ")) for row in of["returned"]} == {3}
    assert {row["state"] for rows in of.values() for row in rows} == {"TIED_OUT"}
    entries = [entry for path in faulty.files("bank/statement", "*.xml") for one in camt(path) for entry in one.entries]
    beside = {reference.partition("#")[0] for reference, _, _ in entries if "#" in reference}
    assert beside == {row["deposit_id"] for row in of["bundled"]}


def test_second_delivery(faulty):
    names = {str(path.relative_to(faulty.second)) for path in faulty.second.rglob("*.csv")}
    assert any("stripe/payout_reconciliation" in name for name in names)
    assert any("shopify/orders" in name for name in names)
    again = [row for path in faulty.second.glob("*/shopify/orders/*") for row in table(path) if row["Total"]]
    first = {row["Name"]: row for path in faulty.out.glob("*/shopify/orders/*") for row in table(path) if row["Total"]}
    for row in again:
        assert first[row["Name"]]["Financial Status"] == "paid"
        assert amount(row["Refunded Amount"]) > 0


def test_chargebacks(faulty):
    rows = [row for path in faulty.files("paypal/settlement") for row in stl(path)[0]]
    open_ids = {row["id"] for row in found(faulty, "chargeback_open")}
    for row in rows:
        if row["Transaction Event Code"] == "T1201":
            won = any(
                other["Transaction Event Code"] == "T1202"
                and other["PayPal Reference ID"] == row["PayPal Reference ID"]
                for other in rows
            )
            assert won != (row["Transaction ID"] in open_ids)
            assert signed(row, "Transaction Debit or Credit", "Gross Transaction Amount") < 0


def test_unknown_faults_are_refused():
    with pytest.raises(ValueError, match="does not know nonsense"):
        chosen("nonsense,fee_off")
