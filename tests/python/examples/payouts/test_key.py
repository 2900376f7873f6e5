"""The key says what is in the files: payouts are the sums of their lines, deposits are on the accounts."""

from decimal import Decimal

from tests.python.examples.payouts.readers import amount, bai2, camt, grouped, mt940, ofx, table

EXPONENT = {"USD": 100, "EUR": 100, "JPY": 1}


def entries(made):
    """Every booked entry of an account that gives ids: id -> amount in major units."""
    found = {}
    for pattern, reader in (("*.xml", camt), ("*.sta", mt940), ("*.bai", bai2)):
        for path in made.files("bank/statement", pattern):
            for statement in reader(path):
                found |= {entry[0]: entry[1] for entry in statement.entries}
    for path in made.files("bank/statement", "*.ofx"):
        found |= {entry[0]: entry[1] for entry in ofx(path)[0]}
    return found


def deposited(booked, row):
    """What the entries of a payout come to, in minor units."""
    return sum(booked[id_] for id_ in row["deposit_id"].split(", ")) * EXPONENT[row["currency"]]


def test_tied_out_means_the_deposit_equals_the_payout(faulty):
    booked = entries(faulty)
    checked = 0
    for row in faulty.table("payouts"):
        payout, deposit = int(row["payout_minor"]), row["deposit_minor"]
        if row["state"] == "TIED_OUT" and row["deposit_id"]:
            assert int(deposit) == payout == int(row["net_minor"])
            assert deposited(booked, row) == payout
            checked += 1
        elif row["state"] == "DEPOSIT_DIFFERS":
            assert int(deposit) != payout
            assert deposited(booked, row) == int(deposit)
            assert int(row["difference_minor"]) == payout - int(deposit)
        elif row["state"].split("|")[0] in ("DEPOSIT_MISSING", "IN_TRANSIT", "FEED_LATE"):
            assert not deposit
    assert checked > 200


def test_the_parts_of_a_payout_are_its_net(faulty):
    parts = ("gross", "refunds", "fees", "chargebacks", "reserves", "adjustments")
    for row in faulty.table("payouts"):
        assert sum(int(row[f"{part}_minor"]) for part in parts) == int(row["net_minor"])
        off = int(row["net_minor"]) != int(row["payout_minor"])
        assert off == (row["state"] in ("LINES_DO_NOT_ADD_UP", "NOT_ITEMISABLE")), row


def test_payouts_of_stripe_are_the_sums_in_its_files(faulty):
    rows = [
        row
        for path in faulty.files("stripe/payout_reconciliation", "Itemised*")
        for row in {row["balance_transaction_id"]: row for row in table(path)}.values()
        if row["reporting_category"] != "harbour_levy" and len(row["gross"].partition(".")[2]) <= 2
    ]
    sums = grouped(rows, "automatic_payout_id", "net")
    for row in faulty.table("payouts"):
        if row["system"] == "stripe" and row["org_id"] == "harbour_pine":
            assert sums.get(row["payout_id"], Decimal(0)) * EXPONENT[row["currency"]] == int(row["net_minor"]), row


def test_every_state_and_every_anomaly_is_in_the_key(faulty):
    states = {row["state"].split("|")[0] for row in faulty.table("payouts")}
    assert states == {
        "TIED_OUT",
        "IN_TRANSIT",
        "LINES_DO_NOT_ADD_UP",
        "DEPOSIT_MISSING",
        "DEPOSIT_DIFFERS",
        "NOT_ITEMISABLE",
        "FEED_LATE",
    }
    found = {row["anomaly"].split("|")[0] for row in faulty.table("findings") if row["expected"] == "must"}
    assert found == {
        "MISSING_PAYMENT",
        "MISSING_ORDER",
        "MISSING_PAYOUT",
        "MISSING_DEPOSIT",
        "UNEXPECTED_DEPOSIT",
        "PAYOUT_DOES_NOT_ADD_UP",
        "FEE_VARIANCE",
        "REFUND_WITHOUT_ORDER",
        "CHARGEBACK_OPEN",
        "SETTLED_TWICE",
        "CURRENCY_MISMATCH",
        "PRICE_MISMATCH",
        "GROUP_INCOMPLETE",
        "SOURCE_DOES_NOT_ADD_UP",
        "DUPLICATE_STRIPE",
    }


def test_orders_lead_to_their_payouts(clean):
    payouts = {(row["org_id"], row["system"], row["payout_id"]): row for row in clean.table("payouts")}
    orders = clean.table("orders")
    assert len({row["order_name"] for row in orders}) == len(orders) > 1800
    reached = 0
    for row in orders:
        assert row["ordered_minor"] == row["charge_minor"]
        if row["state"] == "DEPOSITED":
            payout = payouts[row["org_id"], row["charge_system"], row["payout_id"]]
            assert payout["deposit_id"] == row["deposit_id"]
            reached += 1
    assert reached > 1500


def test_the_sum_of_all_charges_is_in_the_payouts(clean):
    charged = sum(int(row["charge_minor"]) for row in clean.table("orders") if row["payout_id"])
    assert charged == sum(int(row["gross_minor"]) for row in clean.table("payouts"))


def test_fees_are_the_contracted_ones(clean):
    """Computed in decimals here, in integers there."""
    rates = {(r["system"], r["method"], r["currency"]): r for r in table(clean_seed())}
    seen = 0
    for path in clean.files("stripe/payout_reconciliation"):
        for row in table(path):
            if row["reporting_category"] == "charge":
                rate = rates["stripe", row["payment_method_type"], row["currency"].upper()]
                unit = Decimal(1) / EXPONENT[rate["currency"]]
                share = (amount(row["gross"]) * Decimal(rate["percent"]) / 100).quantize(unit, "ROUND_HALF_EVEN")
                assert amount(row["fee"]) == share + int(rate["fixed_minor"]) * unit
                seen += 1
    assert seen > 200


def clean_seed():
    from examples.payouts.fees import SEED

    return SEED
