"""Files that no processor should send and some do: every run closes, nothing vanishes, and each defect is told once."""

import json
import re
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from tests.python.bank.test_camt053 import entry as camt_entry
from tests.python.bank.test_camt053 import statement_of as camt
from tests.python.laws.harness import Folder, NewDatabase

FIRST = "2026-02-21T09:00:00Z"
SECOND = "2026-03-20T09:00:00Z"

SHOPIFY_LINES = (
    "Transaction Date,Type,Order,Card Brand,Card Source,Payout Status,Payout Date,Payout ID,"
    "Available On,Amount,Fee,Net,"
    "Checkout,Payment Method Name,Presentment Amount,Presentment Currency,Currency,VAT\n"
    "2026-02-04 17:00:57 -0500,charge,#A1,visa,online,paid,2026-02-06,{payout},2026-02-06,60.72,"
    "2.43,58.29,#C1,card,60.72,"
    "USD,USD,0.00\n"
)
SHOPIFY_PAYOUTS = (
    "Payout Date,Status,Charges,Refunds,Adjustments,Reserved Funds,Fees,Retried Amount,Total,Currency,Bank Reference\n"
    "2026-02-06,paid,60.72,0.00,0.00,0.00,-2.43,0.00,58.29,USD,ST-ONE\n"
)
AMAZON = (
    "settlement-id\tsettlement-start-date\tsettlement-end-date\tdeposit-date\ttotal-amount\t"
    "currency\ttransaction-type\t"
    "order-id\tmerchant-order-id\tadjustment-id\tshipment-id\tmarketplace-name\tamount-type\t"
    "amount-description\tamount\t"
    "fulfillment-id\tposted-date\tposted-date-time\torder-item-code\tmerchant-order-item-id\t"
    "merchant-adjustment-item-id\tsku\tquantity-purchased\tpromotion-id\n"
    "{payout}\t2026-02-02 00:00:00 UTC\t2026-02-15 23:59:59 UTC\t2026-02-17 08:00:00 UTC\t80.00\tUSD" + "\t" * 18 + "\n"
    "{payout}\t\t\t\t\t\tOrder\t111-1\tB1\t\tS1\tAmazon.com\tItemPrice\tPrincipal\t80.00\tAFN\t2026-02-09\t"
    "2026-02-09 14:00:50 UTC\t9001\t\t\tWT-L\t1\t\n"
)
ADYEN_HEADER = (
    "Company Account,Merchant Account,Psp Reference,Merchant Reference,Payment Method,Creation Date,TimeZone,Type,"
    "Modification Reference,Gross Currency,Gross Debit (GC),Gross Credit (GC),Exchange Rate,"
    "Net Currency,Net Debit (NC),"
    "Net Credit (NC),Commission (NC),Markup (NC),Scheme Fees (NC),Interchange (NC),Batch Number\n"
)
# Opening 100.00, one entry of 58.29, and the file ends before its closing balance.
STATEMENT_CUT = (
    ":20:STMT1\n:25:NL91ABNA0417164300\n:28C:1/1\n:60F:C260206EUR100,00\n"
    ":61:2602060206C58,29NTRFNONREF//B1\n:86:PAYOUT\n"
)
PAYPAL = (
    '"RH",2026/02/22 02:13:19 -0800,"A","M1",009,\n"FH",01\n'
    '"SH",2026/02/21 00:00:00 -0800,2026/02/21 23:59:59 -0800,"M1",""\n'
    '"CH","Transaction ID","Invoice ID","PayPal Reference ID","PayPal Reference ID Type","Transaction Event Code",'
    '"Transaction Initiation Date","Transaction Completion Date","Transaction Debit or Credit",'
    '"Gross Transaction Amount",'
    '"Gross Transaction Currency","Fee Debit or Credit","Fee Amount","Fee Currency","Custom Field","Consumer ID",'
    '"Payment Tracking ID","Store ID","Bank Reference ID","Credit Transactional Fee",'
    '"Credit Promotional Fee","Credit Term"\n'
    '"SB","T1","P1","","","T0006",2026/02/21 12:00:31 -0800,2026/02/21 12:00:31 -0800,"CR",5644,'
    '"USD","DR",246,"USD","P1",'
    '"C1","","","",,,\n'
    '"SF","USD",5644,0,0,246,"CR",0,"CR",0,"CR",5398,"CR",0,"CR",5398,"CR",0,1\n"SC",1\n'
    '"RF","USD",5644,0,0,246,"CR",0,"CR",0,"CR",5398,"CR",0,"CR",5398,"CR",0,1\n"RC",1\n"FF",01\n'
)


PAID = "MerchantPayout"


def adyen(batch: int, *lines: tuple[str, str, str, str, str]) -> str:
    """A settlement file: (reference, type, gross credit, net, commission) a line; a payout's net is a debit."""
    rows = [
        f"Shop,SHOP_EU,{reference},{reference},visa,2026-02-10 19:01:32,CET,{kind},M{reference},EUR,,{gross},1,EUR,"
        f"{net if kind == PAID else ''},{'' if kind == PAID else net},{commission},,,,{batch}"
        for reference, kind, gross, net, commission in lines
    ]
    return ADYEN_HEADER + "\n".join(rows) + "\n"


BROKEN = adyen(7, ("R1", "Settled", "100.00", "98.00", "1.00"), ("R2", "Settled", "50.00", "48.00", "1.00"))
BROKEN_AGAIN = adyen(7, ("R1", "Settled", "100.00", "97.00", "1.00"), ("R2", "Settled", "50.00", "48.00", "1.00"))
LARGEST = "9999999999999999.99"
ABSURD = adyen(
    8, *((f"H{number}", "Settled", LARGEST, LARGEST, "") for number in range(12)), ("P8", PAID, "", LARGEST, "")
)

# A fee that is beyond any rate of what was charged, and one that is dear and a rate.
BEYOND = SHOPIFY_LINES.format(payout="120").replace("60.72,2.43,58.29", f"0.01,{LARGEST},-9999999999999999.98")
DEAR = SHOPIFY_LINES.format(payout="121").replace("60.72,2.43,58.29", "0.01,9999.99,-9999.98")

# Without a payout: one charge taken back whole, one in part, and one of two that share a payment.
PENDING_HEADER, PENDING_LINE = SHOPIFY_LINES.replace(",paid,2026-02-06,{payout},", ",pending,,,").splitlines()


def pending(kind: str, checkout: str, amount: str) -> str:
    """A line of an export that no payout holds yet; no fee."""
    return (
        PENDING_LINE.replace("charge", kind).replace("#C1", checkout).replace("#A1", checkout.replace("C", "A"))
    ).replace("60.72,2.43,58.29", f"{amount},0.00,{amount}")


REVERSED = "\n".join(
    [
        PENDING_HEADER,
        *(pending("charge", "#C1", "60.72"), pending("refund", "#C1", "-60.72")),
        *(pending("charge", "#C2", "60.72"), pending("refund", "#C2", "-10.00")),
        *(pending("charge", "#C3", "5.00"), pending("charge", "#C3", "5.00"), pending("refund", "#C3", "-5.00")),
        "",
    ]
)

# Two payouts that the bank books as one entry, and says of which transactions it is made.
BUNDLED = {
    number: adyen(
        number, (f"B{number}", "Settled", gross, net, "1.00"), (f"TX7700001122{number}XT", PAID, "", net, "")
    ).replace(f"MTX7700001122{number}XT", f"TX7700001122{number}XT batch {number}")
    for number, gross, net in ((1, "51.00", "50.00"), (2, "39.40", "38.40"))
}
STATEMENT_BUNDLED = camt(
    camt_entry(
        "88.40",
        details="".join(
            f"<TxDtls><Amt Ccy='EUR'>{amount}</Amt>"
            f"<RmtInf><Ustrd>TX7700001122{number}XT batch {number}, SHOP_EU</Ustrd></RmtInf></TxDtls>"
            for number, amount in ((1, "50.00"), (2, "38.40"))
        ),
    )
)

# A payout in two entries; one that came, went back and came again; one of which part came; two of one reference; one
# that came to an account in dollars; and one beside which an entry stands that a person takes out.
SHARES = {
    number: adyen(
        number, (f"S{number}", "Settled", "51.00", "50.00", "1.00"), (f"TX8800001122{ref}XT", PAID, "", "50.00", "")
    ).replace(f"MTX8800001122{ref}XT", f"TX8800001122{ref}XT batch {number}")
    for number, ref in ((1, 1), (2, 2), (3, 3), (4, 4), (5, 4), (6, 6), (7, 7))
}


def credited(ref: int, amount: str, mark: str = "C") -> str:
    """An entry of MT940 that names a payout."""
    return f":61:2602120212{mark}{amount}NTRFNONREF//E{ref}{amount}{mark}\n:86:TX8800001122{ref}XT BATCH\n"


STATEMENT_SHARES_FIRST = (
    ":20:S1\n:25:NL91ABNA0417164300\n:28C:1/1\n:60F:C260211EUR0,\n"
    + credited(1, "30,00")
    + credited(2, "50,00")
    + credited(3, "30,00")
    + credited(4, "50,00")
    + credited(7, "50,00")
    + credited(7, "1,00")
    + ":62F:C260212EUR211,\n-\n"
)
STATEMENT_SHARES_DOLLARS = (
    ":20:S3\n:25:NL20INGB0001234567\n:28C:1/1\n:60F:C260211USD0,\n" + credited(6, "54,00") + ":62F:C260212USD54,\n-\n"
)
STATEMENT_SHARES_SECOND = (
    ":20:S2\n:25:NL91ABNA0417164300\n:28C:2/1\n:60F:C260212EUR211,\n"
    + credited(1, "20,00")
    + credited(2, "50,00", "D")
    + credited(2, "50,01")
    + credited(2, "0,01", "D")
    + credited(3, "15,00")
    + ":62F:C260213EUR246,\n-\n"
)

# Orders in dollars that are settled in euros, the last one for less than was ordered, at a rate that is not the day's.
ABROAD_ORDERS = (
    "Name,Financial Status,Paid at,Currency,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price,"
    "Payment Method,Payment Reference,Id\n"
) + "".join(
    f"#{number},paid,2026-02-09 23:00:38 +0100,USD,{total},2026-02-09 23:00:18 +0100,1,Wax,{total},"
    f"Adyen,F{number},6{number}\n"
    for number, total in ((1, "100.00"), (2, "50.00"), (3, "70.00"))
)
ABROAD = adyen(
    1,
    ("F1", "Settled", "100.00", "91.00", "1.00"),
    ("F2", "Settled", "50.00", "45.50", "0.50"),
    ("F3", "Settled", "60.00", "54.70", "0.50"),
    ("TX9900001122XT", PAID, "", "191.20", ""),
)
ABROAD = re.sub(r",EUR,,([0-9.]+),1,EUR,", r",USD,,\1,0.92,EUR,", ABROAD).replace(
    "MTX9900001122XT", "TX9900001122XT batch 1"
)
STATEMENT_ABROAD = (
    ":20:S4\n:25:NL91ABNA0417164300\n:28C:1/1\n:60F:C260211EUR0,\n:61:2602120212C190,20NTRFNONREF//E1\n"
    ":86:TX9900001122XT BATCH\n:62F:C260212EUR190,20\n-\n"
)
IN_EUROS = (
    "stream,counterparty_id,price_basis,base_currency,price_abs_minor,price_pct,fx_max_age_days\n"
    "ecommerce_payouts,shopify,BASE,EUR,0,0.02,5\n"
)
RATES = "date,from_currency,to_currency,rate,source\n2026-02-09,USD,EUR,0.921,ECB\n"

# Two payouts of a day and currency: unequal ones without lines; equal ones, told apart by their lines and references;
# and two of which the lines of one have not come whole.
TWO_A_DAY = SHOPIFY_PAYOUTS.splitlines()[0] + "\n2026-02-06,paid,60.00,0,0,0,-1.00,0,{0},USD,ST-XONE1\n"
TWO_A_DAY += "2026-02-06,paid,80.00,0,0,0,-2.00,0,{1},USD,ST-XTWO2\n"
STATEMENT_TWO_A_DAY = (
    ":20:S6\n:25:NL91ABNA0417164300\n:28C:1/1\n:60F:C260208USD0,\n"
    ":61:2602090209C{0},NTRFNONREF//E1\n:86:SHOPIFY ST-XONE1\n"
    ":61:2602090209C{1},NTRFNONREF//E2\n:86:SHOPIFY ST-XTWO2\n:62F:C260209USD{2},\n-\n"
)
SHOPIFY_HEADER, SHOPIFY_LINE = SHOPIFY_LINES.splitlines()


def lines_of(*movements: tuple[str, str, str]) -> str:
    """Charges of payouts: (payout, checkout, net)."""
    lines = [
        SHOPIFY_LINE.format(payout=payout)
        .replace("#C1", checkout)
        .replace("#A1", f"#A{checkout}")
        .replace("60.72,2.43,58.29", f"{net},0.00,{net}")
        for payout, checkout, net in movements
    ]
    return "\n".join([SHOPIFY_HEADER, *lines, ""])


# One payment captured in two parts, settled in two payouts; and one that was taken back a second time.
CAPTURES = {
    number: adyen(number, ("PSPX", "Settled", gross, gross, ""), (f"P{number}", PAID, "", gross, ""))
    for number, gross in ((20, "30.00"), (21, "20.00"))
}


def dispute(number: int, kind: str, day: int, mark: str) -> str:
    """A batch with one line of a dispute, `D`ebit or `C`redit."""
    debit, credit = ("10.00", "") if mark == "D" else ("", "10.00")
    return (
        ADYEN_HEADER + f"Shop,SHOP_EU,PSPY,Y1,visa,2026-02-{day} 19:01:32,CET,{kind},MY{number},EUR,{debit},{credit},1,"
        f"EUR,{debit},{credit},,,,,{number}\n"
    )


DISPUTES = {
    30: dispute(30, "Chargeback", 10, "D"),
    31: dispute(31, "ChargebackReversed", 11, "C"),
    32: dispute(32, "SecondChargeback", 12, "D"),
}

# (org, feed, file, content); an org is a case of its own.
DELIVERED_FIRST = [
    ("equal_ids", "shopify/payout_transactions", "t.csv", SHOPIFY_LINES.format(payout="26100000001")),
    ("equal_ids", "shopify/payouts", "p.csv", SHOPIFY_PAYOUTS),
    ("equal_ids", "amazon/settlement_v2", "s.txt", AMAZON.format(payout="26100000001")),
    ("no_payouts_yet", "shopify/payout_transactions", "t.csv", SHOPIFY_LINES.format(payout="119")),
    ("no_payouts_yet", "amazon/settlement_v2", "s.txt", AMAZON.format(payout="26100000001")),
    ("lines_later", "shopify/payouts", "p.csv", SHOPIFY_PAYOUTS),
    ("reversed", "shopify/payouts", "p.csv", SHOPIFY_PAYOUTS),
    ("reversed", "shopify/payout_transactions", "t.csv", REVERSED),
    ("broken", "adyen/settlement_details", "batch_7.csv", BROKEN),
    ("cut", "bank/statement", "mt940.sta", STATEMENT_CUT),
    ("absurd", "adyen/settlement_details", "batch_8.csv", ABSURD),
    ("beyond", "shopify/payout_transactions", "t.csv", BEYOND),
    ("dear", "shopify/payout_transactions", "t.csv", DEAR),
    ("balance_goes_on", "paypal/settlement", "STL-20260221.01.009.CSV", PAYPAL),
    *(("bundled", "adyen/settlement_details", f"batch_{number}.csv", text) for number, text in BUNDLED.items()),
    ("bundled", "bank/statement", "camt.xml", STATEMENT_BUNDLED),
    *(("shares", "adyen/settlement_details", f"batch_{number}.csv", text) for number, text in SHARES.items()),
    ("shares", "bank/statement", "1.sta", STATEMENT_SHARES_FIRST),
    ("shares", "bank/statement", "3.sta", STATEMENT_SHARES_DOLLARS),
    *(
        (org, feed, name, text)
        for org in ("abroad", "abroad_in_euros")
        for feed, name, text in (
            ("shopify/orders", "orders.csv", ABROAD_ORDERS),
            ("adyen/settlement_details", "batch_1.csv", ABROAD),
            ("bank/statement", "1.sta", STATEMENT_ABROAD),
        )
    ),
    ("two_a_day", "shopify/payouts", "p.csv", TWO_A_DAY.format("59.00", "78.00")),
    ("two_a_day", "bank/statement", "1.sta", STATEMENT_TWO_A_DAY.format(59, 78, 137)),
    ("two_equal", "shopify/payouts", "p.csv", TWO_A_DAY.format("59.00", "59.00")),
    ("two_equal", "shopify/payout_transactions", "t.csv", lines_of(("1001", "C1", "59.00"), ("1002", "C2", "59.00"))),
    ("two_equal", "bank/statement", "1.sta", STATEMENT_TWO_A_DAY.format(59, 59, 118)),
    ("two_in_part", "shopify/payouts", "p.csv", TWO_A_DAY.format("59.00", "78.00")),
    ("two_in_part", "shopify/payout_transactions", "t.csv", lines_of(("1001", "C1", "59.00"), ("1002", "C2", "77.00"))),
    ("two_in_part", "bank/statement", "1.sta", STATEMENT_TWO_A_DAY.format(59, 78, 137)),
    ("failed", "shopify/payouts", "p.csv", SHOPIFY_PAYOUTS.replace(",paid,", ",failed,")),
    ("failed", "shopify/payout_transactions", "t.csv", SHOPIFY_LINES.format(payout="118")),
    *(("captures", "adyen/settlement_details", f"batch_{number}.csv", text) for number, text in CAPTURES.items()),
    *(("disputes", "adyen/settlement_details", f"batch_{number}.csv", text) for number, text in DISPUTES.items()),
    ("abroad_in_euros", "tieout/policies", "policies.csv", IN_EUROS),
    ("abroad_in_euros", "tieout/fx_rates", "rates.csv", RATES),
]
DELIVERED_SECOND = [
    ("lines_later", "shopify/payout_transactions", "t.csv", SHOPIFY_LINES.format(payout="118")),
    ("broken", "adyen/settlement_details", "batch_7.csv", BROKEN_AGAIN),
    ("shares", "bank/statement", "2.sta", STATEMENT_SHARES_SECOND),
]


def put(folder: Folder, files: list[tuple[str, str, str, str]]) -> None:
    """Drop files into the inbox."""
    for org, feed, name, content in files:
        path = folder.root / "inbox" / org / feed / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode())


def run(folder: Folder, as_of: str, *arguments: str) -> str:
    """A run whose books close; the hash of the stream's results."""
    done = folder.start(datetime.fromisoformat(as_of), *arguments)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    summary = json.loads(done.stdout)
    assert summary["laws"]["failed"] == 0
    assert summary["landed"]["failed_files"] == 0
    return str(summary["streams"]["ecommerce_payouts"]["results_hash"])


def left_out(folder: Folder) -> set[str]:
    """What the last run did not build of all that dbt makes a table or a view of."""
    manifest, results = (
        json.loads((folder.root / ".dbt" / "duckdb" / f"{name}.json").read_text())
        for name in ("manifest", "run_results")
    )
    made = {
        name
        for name, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "seed", "snapshot") and node["config"]["materialized"] != "ephemeral"
    }
    return made - {result["unique_id"] for result in results["results"]}


BANK = "NL91ABNA0417164300:2026-02-12:E"
# (payout of the exception, its anomaly, what a person decides about the payout, about which entry)
BY_HAND = [
    ("SHOP_EU 4 EUR", "AMBIGUOUS_MATCH", "FORCE_MATCH", "SHOP_EU 4 EUR", f"{BANK}450,00C:5000"),
    ("SHOP_EU 6 EUR", "MISSING_DEPOSIT", "FORCE_MATCH", "SHOP_EU 6 EUR", "NL20INGB0001234567:2026-02-12:E654,00C:5400"),
    ("SHOP_EU 7 EUR", "PRICE_MISMATCH", "EXCLUDE", "", f"{BANK}71,00C:100"),
]


def by_hand(folder: Folder) -> list[tuple[str, str, str, str]]:
    """A person's decisions about entries."""
    text = "event_id,exception_id,action,actor,decided_at,reason,ladder,source_activity_id,target_activity_id\n"
    for number, (payout, anomaly, action, source, entry) in enumerate(BY_HAND, 1):
        ((exception,),) = rows(
            folder,
            "select exception_id from marts.exceptions where org_id = 'shares' and ladder = 'payouts_to_deposits'"
            f" and anomaly = '{anomaly}' and source_activity_id = '{payout}'",
        )
        text += (
            f"e{number},{exception},{action},ann,2026-03-01T09:00:00Z,the bank said so,payouts_to_deposits,"
            f'{source},"{entry}"\n'
        )
    return [("shares", "tieout/exception_events", "ann.csv", text)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """All cases after both deliveries, on DuckDB."""
    made = Folder(tmp_path_factory.mktemp("nasty"), "duckdb", {})
    put(made, DELIVERED_FIRST)
    run(made, FIRST)
    ambiguous = rows(
        made,
        "select org_id || ladder || anomaly, source_activity_id from marts.exceptions where org_id = 'shares'"
        " and anomaly = 'AMBIGUOUS_MATCH' and source_activity_id is not null order by 2",
    )
    assert ambiguous == [("sharespayouts_to_depositsAMBIGUOUS_MATCH", f"SHOP_EU {n} EUR") for n in (4, 5)]
    put(made, DELIVERED_SECOND + by_hand(made))
    run(made, SECOND)
    return made


def rows(folder: Folder, query: str) -> list[tuple[object, ...]]:
    """Rows of the published copy."""
    with duckdb.connect(str(folder.root / "published" / "tieout.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.xdist_group("payouts-nasty")
def test_payouts_of_two_processors_may_have_one_id(folder: Folder) -> None:
    found = rows(
        folder,
        "select system, payout_id, net_minor, payout_minor from marts.payout_tie_out"
        " where org_id = 'equal_ids' order by 1",
    )
    assert found == [("amazon", "26100000001", 8000, 8000), ("shopify", "26100000001", 5829, 5829)]


@pytest.mark.xdist_group("payouts-nasty")
def test_a_processor_whose_payouts_have_not_come_is_late_whatever_others_sent(folder: Folder) -> None:
    found = rows(
        folder,
        "select source_system, result, reason, count(*) from marts.reconciliation_results"
        " where org_id = 'no_payouts_yet' and ladder = 'legs_to_payouts' and result <> 'MATCHED' group by all",
    )
    assert found == [("shopify", "PENDING", "FEED_LATE", 2)]


@pytest.mark.xdist_group("payouts-nasty")
def test_a_payout_that_came_before_its_lines_finds_them(folder: Folder) -> None:
    found = rows(folder, "select net_minor, payout_minor, state from marts.payout_tie_out where org_id = 'lines_later'")
    assert [row[:2] for row in found] == [(5829, 5829)]
    assert found[0][2] in ("FEED_LATE", "DEPOSIT_MISSING")


@pytest.mark.xdist_group("payouts-nasty")
def test_a_file_that_breaks_a_promise_in_two_places_and_twice_is_one_finding(folder: Folder) -> None:
    found = rows(
        folder,
        "select source_file, difference_minor from marts.exceptions"
        " where org_id = 'broken' and anomaly = 'SOURCE_DOES_NOT_ADD_UP' and state = 'OPEN'"
        " and source_activity_id like '%row_identity%'",
    )
    assert len(found) == 1
    assert found[0][0] == "batch_7.csv"
    flagged = rows(
        folder,
        "select balance, holds, difference from marts.control_totals where org_id = 'broken' and of_what = 'file'"
        " and not holds and balance = 'row_identity'",
    )
    assert sorted(abs(int(row[2])) for row in flagged) == [200, 300]  # type: ignore[call-overload]


@pytest.mark.xdist_group("payouts-nasty")
def test_a_statement_without_its_closing_balance_is_flagged(folder: Folder) -> None:
    found = rows(
        folder, "select breakdown from marts.control_totals where org_id = 'cut' and of_what = 'file' and not holds"
    )
    assert ("what the file should state is not there",) in found


@pytest.mark.xdist_group("payouts-nasty")
def test_payouts_that_the_bank_books_as_one_find_their_transactions(folder: Folder) -> None:
    found = rows(
        folder,
        "select net_minor, payout_minor, deposit_minor, state from marts.payout_tie_out"
        " where org_id = 'bundled' order by 1",
    )
    assert found == [(3840, 3840, 3840, "TIED_OUT"), (5000, 5000, 5000, "TIED_OUT")]


SHARED = (
    "select payout_id, payout_minor, deposit_minor, state, matched_by, count_entries from ("
    "select *, length(deposit_id) - length(replace(deposit_id, ', ', ' ')) + 1 as count_entries"
    " from marts.payout_tie_out"
    " where org_id = 'shares') as told order by 1"
)


@pytest.mark.xdist_group("payouts-nasty")
def test_entries_that_name_one_payout_count_together(folder: Folder) -> None:
    assert rows(folder, SHARED) == [
        ("SHOP_EU 1 EUR", 5000, 5000, "TIED_OUT", "by_reference", 2),
        ("SHOP_EU 2 EUR", 5000, 5000, "TIED_OUT", "by_reference", 4),
        ("SHOP_EU 3 EUR", 5000, 4500, "DEPOSIT_DIFFERS", "by_reference", 2),
        # whose is the entry that names both? A person has said
        ("SHOP_EU 4 EUR", 5000, 5000, "TIED_OUT", "pinned", 1),
        ("SHOP_EU 5 EUR", 5000, None, "DEPOSIT_MISSING", None, None),
        # dollars are not held against euros
        ("SHOP_EU 6 EUR", 5000, None, "DEPOSIT_DIFFERS", "pinned", 1),
        ("SHOP_EU 7 EUR", 5000, 5000, "TIED_OUT", "by_reference", 1),
    ]
    told = rows(
        folder,
        "select result, anomalies, member_count, difference_minor, count(*) from marts.reconciliation_results"
        " where org_id = 'shares' and ladder = 'payouts_to_deposits' group by all order by all",
    )
    assert told == [
        ("EXCLUDED", "", None, None, 1),
        ("MATCHED", "", 2, 0, 1),
        ("MATCHED", "", 4, 0, 1),
        ("MATCHED", "", None, 0, 2),
        ("MATCHED", "", None, None, 1),
        ("MISMATCHED", "PRICE_MISMATCH", 2, 500, 1),
        ("MISSING_TARGET", "MISSING_DEPOSIT", None, None, 1),
    ]


@pytest.mark.xdist_group("payouts-nasty")
@pytest.mark.parametrize(
    ("org", "told"),
    [
        (
            "two_a_day",
            [
                ("2026-02-06 59.00 USD", 0, 5900, 5900, "FEED_LATE"),
                ("2026-02-06 78.00 USD", 0, 7800, 7800, "FEED_LATE"),
            ],
        ),
        ("two_equal", [("1001", 5900, 5900, 5900, "TIED_OUT"), ("1002", 5900, 5900, 5900, "TIED_OUT")]),
        ("two_in_part", [("1001", 5900, 5900, 5900, "TIED_OUT"), ("1002", 7700, 7800, 7800, "LINES_DO_NOT_ADD_UP")]),
        # no money moves
        ("failed", [("118", 5829, 5829, None, "TIED_OUT")]),
    ],
)
def test_payouts_of_one_day_are_several_and_one_that_failed_waits_for_no_deposit(
    folder: Folder, org: str, told: list[tuple[object, ...]]
) -> None:
    found = rows(
        folder,
        "select payout_id, net_minor, payout_minor, deposit_minor, state from marts.payout_tie_out"
        f" where org_id = '{org}' order by 1",
    )
    assert found == told


@pytest.mark.xdist_group("payouts-nasty")
def test_parts_of_a_payment_are_not_settled_twice_and_a_second_chargeback_is_open(folder: Folder) -> None:
    found = rows(
        folder,
        "select org_id, anomaly, business_date from marts.exceptions"
        " where org_id in ('captures', 'disputes') and anomaly in ('SETTLED_TWICE', 'CHARGEBACK_OPEN')",
    )
    assert [(row[0], row[1], str(row[2])) for row in found] == [("disputes", "CHARGEBACK_OPEN", "2026-02-12")]


@pytest.mark.xdist_group("payouts-nasty")
def test_orders_settled_in_another_currency_are_compared_in_one_where_the_policy_says_so(folder: Folder) -> None:
    told = (
        "select source_activity_id, anomalies, source_base_minor, target_base_minor from marts.reconciliation_results"
        " where org_id = '{}' and ladder = 'orders_to_charges' order by 1"
    )
    assert rows(folder, told.format("abroad")) == [(f"#{n}", "CURRENCY_MISMATCH", None, None) for n in (1, 2, 3)]
    assert rows(folder, told.format("abroad_in_euros")) == [
        ("#1", "", 9210, 9200),
        ("#2", "", 4605, 4600),
        ("#3", "PRICE_MISMATCH", 6447, 5520),
    ]
    # the margin is the orders' alone: of the payout a euro is missing
    payouts = "select net_minor, payout_minor, deposit_minor, state from marts.payout_tie_out where org_id = '{}'"
    deposits = (
        "select anomalies from marts.reconciliation_results where org_id = '{}' and ladder = 'payouts_to_deposits'"
    )
    for org in ("abroad", "abroad_in_euros"):
        assert rows(folder, payouts.format(org)) == [(19120, 19120, 19020, "DEPOSIT_DIFFERS")]
        assert rows(folder, deposits.format(org)) == [("PRICE_MISMATCH",)]


@pytest.mark.xdist_group("payouts-nasty")
def test_a_sum_that_no_number_holds_is_no_match(folder: Folder) -> None:
    found = rows(
        folder,
        "select result, anomalies, count(*) from marts.reconciliation_results"
        " where org_id = 'absurd' and ladder = 'legs_to_payouts' group by all",
    )
    assert found == [("MISMATCHED", "PAYOUT_DOES_NOT_ADD_UP", 1)]
    payouts = rows(folder, "select net_minor, payout_minor, state from marts.payout_tie_out where org_id = 'absurd'")
    assert payouts == [(12 * 999999999999999999, 999999999999999999, "LINES_DO_NOT_ADD_UP")]


FEES = (
    "select org_id, gross_minor, fees_minor, effective_ppm from marts.fee_analysis where org_id in ('beyond', 'dear')"
)


@pytest.mark.xdist_group("payouts-nasty")
def test_a_fee_that_no_rate_expresses_has_none(folder: Folder) -> None:
    # 10^24 parts per million would be more than any bigint.
    assert rows(folder, f"{FEES} order by 1") == [
        ("beyond", 1, 999999999999999999, None),
        ("dear", 1, 999999, 999999000000),
    ]


@pytest.mark.xdist_group("payouts-nasty")
def test_lines_of_a_balance_that_goes_on_ask_for_no_payout(folder: Folder) -> None:
    found = rows(
        folder,
        "select result, reason, anomalies, count(*) from marts.reconciliation_results"
        " where org_id = 'balance_goes_on' and ladder = 'legs_to_payouts' group by all",
    )
    assert found == [("EXCLUDED", "NOT_ITEMISABLE", "", 2)]


@pytest.mark.xdist_group("payouts-nasty")
def test_a_charge_and_its_full_refund_before_settlement_net_out(folder: Folder) -> None:
    found = rows(
        folder,
        "select step, result, reason, source_amount_minor, count(*) from marts.reconciliation_results"
        " where org_id = 'reversed' and ladder = 'legs_to_payouts' and source_activity_id is not null"
        " group by all order by all",
    )
    assert [row for row in found if row[0] == "by_reversal"] == [
        ("by_reversal", "EXCLUDED", "REVERSED", -6072, 1),
        ("by_reversal", "EXCLUDED", "REVERSED", 6072, 1),
    ]
    assert sorted(row[3] for row in found if row[0] == "unmatched" for _ in range(row[4])) == [  # type: ignore[call-overload]
        *(-1000, -500, 500, 500, 6072),
    ]


@pytest.mark.postgres
@pytest.mark.xdist_group("payouts-nasty")
def test_day_by_day_is_the_same_as_at_once_on_both_engines(
    folder: Folder, tmp_path: Path, new_database: NewDatabase
) -> None:
    last = run(folder, SECOND)
    assert left_out(folder)
    assert run(folder, SECOND, "--full-refresh") == last
    assert not left_out(folder)
    shared = Folder(tmp_path / "postgres", "postgres", new_database("postgres"))
    put(shared, DELIVERED_FIRST + DELIVERED_SECOND[:1])
    run(shared, FIRST)
    put(shared, DELIVERED_SECOND[1:] + by_hand(folder))
    assert run(shared, SECOND) == last
    assert rows(shared, SHARED) == rows(folder, SHARED)
    assert rows(shared, f"{FEES} order by 1") == rows(folder, f"{FEES} order by 1")
