"""Settlement files of Adyen, PayPal and Amazon of an invented shop, sound ones and faulty ones."""

# ruff: noqa: E501 (lines of files are as long as they are)

from tests.python.feeds.folder import FeedFolder

ADYEN_HEADER = (
    "Company Account,Merchant Account,Psp Reference,Merchant Reference,Payment Method,Creation Date,TimeZone,Type,"
    "Modification Reference,Gross Currency,Gross Debit (GC),Gross Credit (GC),Exchange Rate,Net Currency,"
    "Net Debit (NC),Net Credit (NC),Commission (NC),Markup (NC),Scheme Fees (NC),Interchange (NC),"
    "Payment Method Variant,Modification Merchant Reference,Batch Number"
)
ADYEN = ADYEN_HEADER.split(",")


def adyen(batch: int, *rows: dict[str, str], columns: list[str] = ADYEN, account: str = "PINE_EU") -> str:
    """A settlement detail report; a row says what differs from an empty one."""
    common = {
        "Company Account": "Pine", "Merchant Account": account, "Creation Date": "2026-03-03 21:14:09", "TimeZone": "CET",
        "Net Currency": "EUR", "Batch Number": str(batch),
    }  # fmt: skip
    lines = [",".join(columns)]
    for row in rows:
        values = {**common, **row}
        lines.append(",".join(f'"{v}"' if "," in v else v for v in (values.get(name, "") for name in columns)))
    return "\n".join(lines) + "\n"


def paid(psp: str, gross: str, net: str, order: str = "", kind: str = "Settled", **more: str) -> dict[str, str]:
    """A line of a payment: `-` in front where the money goes away."""
    sides = {}
    for name, unit, amount in (("Gross", "GC", gross), ("Net", "NC", net)):
        side = "Debit" if amount.startswith("-") else "Credit"
        sides[f"{name} {side} ({unit})"] = amount.lstrip("-")
    names = {"commission": "Commission (NC)", "markup": "Markup (NC)", "scheme": "Scheme Fees (NC)",
             "interchange": "Interchange (NC)", "rate": "Exchange Rate", "currency": "Gross Currency", "at": "Creation Date",
             "zone": "TimeZone"}  # fmt: skip
    common = {"Psp Reference": psp, "Merchant Reference": order, "Type": kind, "Modification Reference": f"M{psp}",
              "Gross Currency": "EUR", "Exchange Rate": "1"}  # fmt: skip
    return {**common, **sides, **{names[name]: value for name, value in more.items()}}


def other(kind: str, net: str, reference: str = "", **more: str) -> dict[str, str]:
    """A line without a payment."""
    side = "Net Debit (NC)" if net.startswith("-") else "Net Credit (NC)"
    return {"Type": kind, "Modification Reference": reference, side: net.lstrip("-"), **more}


BATCH_7 = adyen(
    7,
    paid("A1", "120.00", "119.41", "5001", markup="0.12", scheme="0.09", interchange="0.38"),
    paid("A2", "-30.00", "-30.10", "4990", "Refunded", commission="0.10"),
    paid("A3", "0.00", "0.00", "5002", currency="EUR"),
    other("Fee", "-0.42", "Transaction Fees March     02 2026"),
    other("MerchantPayout", "-88.89", "TX70011XT batch 7, PINE_EU"),
)
# Columns moved and added; an unused side is 0; a batch that owes and hands its balance on.
MOVED = [*ADYEN[:8], "Modification Merchant Reference", *ADYEN[8:21], "Store", "Batch Number", "Booking Date"]
BATCH_8 = adyen(
    8,
    paid("A4", "10.00", "9.80", "5003", commission="0.20") | {"Net Debit (NC)": "0", "Gross Debit (GC)": "0"},
    paid("A1", "-120.00", "-135.00", "5001", "Chargeback", commission="15.00"),
    other("DepositCorrection", "-5.00"),
    other("Balancetransfer", "130.20", "to batch 9"),
    columns=MOVED,
)
BATCH_9 = adyen(
    9,
    paid(
        "A5",
        "200.00",
        "215.49",
        "5005",
        currency="GBP",
        rate="1.087",
        commission="1.91",
        zone="CEST",
        at="2026-07-03 00:30:00",
    ),
    other("DepositCorrection", "5.00"),
    other("Balancetransfer", "-130.20", "from batch 8"),
    other("MerchantPayout", "-90.29", "TX70013XT batch 9, PINE_EU"),
)
# Number 10 never came. The fee of a payment is off by a cent, so is the payout; a levy that nobody knows; no such zone.
BATCH_11 = adyen(
    11,
    paid("A6", "50.00", "49.00", "5006", commission="0.99"),
    paid("A7", "20.00", "20.00", "5007", zone="BST"),
    other("PineLevy", "-1.00"),
    other("MerchantPayout", "-68.01", "TX70015XT batch 11, PINE_EU"),
)
# Another account's batches begin at 7 too.
OTHER_7 = adyen(
    7, paid("B1", "1.00", "1.00", "6001"), other("MerchantPayout", "-1.00", "TX8XT batch 7, PINE_UK"), account="PINE_UK"
)

STL_COLUMNS = (
    '"Transaction ID","Invoice ID","PayPal Reference ID","PayPal Reference ID Type","Transaction Event Code",'
    '"Transaction Initiation Date","Transaction Completion Date","Transaction  Debit or Credit",'
    '"Gross Transaction Amount","Gross Transaction Currency","Fee Debit or Credit","Fee Amount","Fee Currency",'
    '"Custom Field","Consumer ID","Payment Tracking ID","Store ID","Bank Reference ID","Credit Transactional Fee",'
    '"Credit Promotional Fee","Credit Term"'
)


def sb(
    id_: str, code: str, gross: str, time: str = "07:11:02", day: int = 5, currency: str = "USD", fee: str = "", order: str = "",
    parent: str = "", bank: str = "",
) -> str:  # fmt: skip
    """A body row of a settlement report; amounts are cents with a sign."""
    at = f"2026/03/{day:02d} {time} -0800"
    mark = "DR" if gross.startswith("-") else "CR"
    fee_cells = (
        ('"DR"' if fee.startswith("-") else '"CR"', fee.lstrip("-"), f'"{currency}"') if fee else ('""', "", '""')
    )
    return ",".join(
        [
            f'"SB","{id_}","{order}","{parent}","{"TXN" if parent else ""}","{code}",{at},{at},"{mark}",{gross.lstrip("-")}',
            f'"{currency}"', *fee_cells, f'"{order}","C1","","","{bank}",,,',
        ]
    )  # fmt: skip


def stl(*rows: str, day: int = 5, sf: tuple[str, ...] = (), tail: tuple[str, ...] = ()) -> str:
    """A settlement report of a day with one section."""
    return "\n".join(
        [
            f'"RH",2026/03/{day + 1:02d} 02:21:10 -0800,"A","PINEPAY01",009,',
            '"FH",01',
            f'"SH",2026/03/{day:02d} 00:00:00 -0800,2026/03/{day:02d} 23:59:59 -0800,"PINEPAY01",""',
            f'"CH",{STL_COLUMNS}',
            *rows,
            *sf,
            f'"SC",{len(rows)}',
            *(line.replace('"SF"', '"RF"') for line in sf),
            f'"RC",{len(rows)}',
            *tail,
            '"FF",01',
            "",
        ]
    )


def sf(currency: str, gross: tuple[int, int], fees: tuple[int, int], balances: tuple[int, int], count: int) -> str:
    """A footer: credits and debits, begin and end."""
    pairs = ",".join(f'"{"DR" if b < 0 else "CR"}",{abs(b)}' for b in (*balances, 0, 0, 0, 0))
    return f'"SF","{currency}",{gross[0]},{gross[1]},{fees[0]},{fees[1]},{pairs},{count}'


# Two currencies with a conversion; yen have two implied decimals like any other; one sweep a currency.
DAY_5 = stl(
    sb("P1", "T0006", "10000", fee="-398", order="5101"),
    sb("P2", "T1107", "-2500", "09:40:31", fee="44", order="5088", parent="P0"),
    sb("P3", "T1201", "-1500", "10:00:00", parent="P00"),
    sb("P4", "T0106", "-2000", "10:00:01", parent="P3"),
    sb("P5", "T0200", "-1000", "11:00:00", parent="CONV1"),
    sb("P6", "T0200", "150000", "11:00:00", currency="JPY", parent="CONV1"),
    sb("P7", "T0006", "1000000", "12:00:00", currency="JPY", fee="-36000", order="5102"),
    sb("P8", "T0400", "-2646", "21:00:00", bank="1048820017"),
    sb("P9", "T0400", "-1114000", "21:00:00", currency="JPY", bank="1048820018"),
    sf=(sf("USD", (10000, 9646), (44, 398), (0, 0), 6), sf("JPY", (1150000, 1114000), (0, 36000), (0, 0), 3)),
)
# The balance runs on: nobody can say what the withdrawal took.
DAY_6 = stl(
    sb("P11", "T0006", "8000", day=6, order="5111"),
    sb("P12", "T0400", "-5000", "12:00:00", day=6, bank="1048820020"),
    sb("P13", "T0006", "700", "13:00:00", day=6, order="5113"),
    day=6,
    sf=(sf("USD", (8700, 5000), (0, 0), (0, 3700), 3),),
)
# A line is missing, the balance brought forward is another, there is a code that nobody knows, and euros have no footer.
DAY_7 = stl(
    sb("P21", "T0006", "1000", day=7, order="5121"),
    sb("P22", "T7777", "-300", "08:00:00", day=7),
    sb("P23", "T0006", "100", "08:00:00", day=7, currency="EUR", order="5122"),
    sb("P24", "T0400", "-1700", "21:00:00", day=7, bank="1048820030"),
    day=7,
    sf=(sf("USD", (2000, 2000), (0, 0), (0, 0), 4),),
)
# A detail report: unquoted, other columns, a status, names of customers that must not land.
TRR = """\
RH,2026/03/06 02:30:00 -0800,A,PINEPAY01,010,
FH,01
SH,2026/03/05 00:00:00 -0800,2026/03/05 23:59:59 -0800,PINEPAY01,
CH,Transaction ID,Invoice ID,PayPal Reference ID,PayPal Reference ID Type,Transaction Event Code,Transaction Initiation Date,Transaction Completion Date,Transaction Debit or Credit,Gross Transaction Amount,Gross Transaction Currency,Fee Debit or Credit,Fee Amount,Fee Currency,Transactional Status,First Name
SB,P1,5101,,,T0006,2026/03/05 07:11:02 -0800,2026/03/05 07:11:02 -0800,CR,9999,USD,DR,398,USD,S,Ann
SB,P31,5131,,,T0006,2026/03/05 07:12:02 -0800,2026/03/05 07:12:02 -0800,CR,3000,USD,,,,P,Bo
SB,P32,5132,,,T1300,2026/03/05 07:13:02 -0800,2026/03/05 07:13:02 -0800,CR,4000,USD,,,,S,Cy
SB,P33,5133,,,T1302,2026/03/05 07:13:02 -0800,2026/03/05 07:13:02 -0800,DR,4000,USD,,,,S,Cy
SB,P34,5134,,,T0006,2026/03/05 07:14:02 -0800,2026/03/05 07:14:02 -0800,CR,100,USD,,,,X,Di
SC,5
FF,01
"""

ACTIVITY_HEADER = (
    '"Date","Time","TimeZone","Name","Type","Status","Currency","Gross","Fee","Net","Transaction ID",'
    '"Reference Txn ID","Invoice Number","Balance","Balance Impact"'
)


def act(*cells: str) -> str:
    return ",".join(f'"{cell}"' for cell in cells)


# Newest first, as the download has it; the first withdrawal left something behind; P1 is in a settlement report too.
ACTIVITY = "\ufeff" + "\r\n".join(
    [
        ACTIVITY_HEADER,
        act("03/05/2026", "10:00:00", "PST", "", "Pine Novelty", "Completed", "USD", "-1.00", "0.00", "-1.00", "Q7", "", "", "49.00", "Debit"),
        act("03/05/2026", "09:00:00", "PST", "Di", "Website Payment", "Completed", "USD", "50.00", "0.00", "50.00", "Q6", "", "5206", "50.00", "Credit"),
        act("03/04/2026", "22:00:00", "PST", "", "General Withdrawal", "Completed", "USD", "-1,123.47", "0.00", "-1,123.47", "Q5", "", "", "0.00", "Debit"),
        act("03/04/2026", "09:40:31", "PST", "Bo", "Payment Refund", "Completed", "USD", "-25.00", "0.50", "-24.50", "Q4", "Q0", "5188", "1,123.47", "Debit"),
        act("03/04/2026", "09:00:00", "PST", "Cy", "General Authorization", "Pending", "USD", "900.00", "0.00", "900.00", "Q3", "", "5203", "1,147.97", "Memo"),
        act("03/04/2026", "08:00:00", "PDT", "Cy", "Express Checkout Payment", "Completed", "USD", "1,200.00", "-52.03", "1,147.97", "Q2", "", "5202", "1,147.97", "Credit"),
        act("03/03/2026", "22:00:00", "PST", "", "General Withdrawal", "Completed", "USD", "-96.00", "0.00", "-96.00", "Q1W", "", "", "0.00", "Debit"),
        act("03/03/2026", "07:11:02", "PST", "Ann", "Express Checkout Payment", "Completed", "USD", "100.00", "-4.00", "96.00", "Q1", "", "5201", "96.00", "Credit"),
        act("03/02/2026", "07:11:02", "PST", "", "General Withdrawal", "Completed", "JPY", "-500", "0", "-500", "QJ2", "", "", "700", "Debit"),
        act("03/02/2026", "07:10:02", "PST", "Jo", "Express Checkout Payment", "Completed", "JPY", "1,200", "0", "1,200", "QJ1", "", "5209", "1,200", "Credit"),
        act("03/01/2026", "07:11:02", "PST", "Ann", "Express Checkout Payment", "Completed", "USD", "777.77", "-4.00", "773.77", "P1", "", "5101", "0.00", "Credit"),
        "",
    ]
)  # fmt: skip
# Spanish: other headers, decimal comma, the day first (an override of the org), lines of unlike length, no status.
SPANISH = "\n".join(
    [
        "Fecha,Hora,Zona horaria,Descripción,Divisa,Bruto ,Comisión ,Neto,Saldo,Id. de transacción,Id. de factura",
        '29/12/2025,10:00:00,America/Los_Angeles,Pago exprés,EUR,"4.626,81","-49,37","4.577,44","4.577,44",E1,5301,,,',
        '30/12/2025,11:00:00,America/Los_Angeles,Retirada general,EUR,"−4.577,44","0,00","-4.577,44","0,00",E2',
        '30/12/2025,11:00:01,America/Los_Angeles,Retirada general,EUR,"1,234","0,00","1,234","0,00",E3',
        "",
    ]
)

AMAZON = [
    "settlement-id", "settlement-start-date", "settlement-end-date", "deposit-date", "total-amount", "currency", "transaction-type", "order-id",
    "merchant-order-id", "adjustment-id", "shipment-id", "marketplace-name", "amount-type", "amount-description", "amount", "fulfillment-id",
    "posted-date", "posted-date-time", "order-item-code", "merchant-order-item-id", "merchant-adjustment-item-id", "sku", "quantity-purchased",
    "promotion-id",
]  # fmt: skip


def amazon(
    settlement: str,
    start: str,
    end: str,
    deposit: str,
    total: str,
    currency: str,
    *parts: tuple[str, ...],
    ragged: bool = False,
) -> str:
    """A settlement; a part is (transaction, order, type, description, amount, when)."""
    rows = [[settlement, start, end, deposit, total, currency] + [""] * 18]
    for transaction, order, type_, what, amount, when in parts:
        row = dict.fromkeys(AMAZON, "")
        row |= {"settlement-id": settlement, "transaction-type": transaction, "order-id": order, "amount-type": type_,
                "amount-description": what, "amount": amount, "posted-date": when[:10], "posted-date-time": when,
                "marketplace-name": "Amazon.de" if currency == "EUR" else "Amazon.com"}  # fmt: skip
        rows.append(list(row.values()))
    lines = ["\t".join(AMAZON)]
    for number, row in enumerate(rows):
        line = "\t".join(row)
        lines.append(line.rstrip("\t") if ragged and number % 2 == 0 else line + "\t\t" * (ragged and number % 3 == 0))
    return "\n".join(lines) + "\n"


STAMP = "2026-02-21 03:11:09 UTC"
AMAZON_US = amazon(
    "9001", "2026-02-20 08:00:00 UTC", "2026-03-06 08:00:00 UTC", "2026-03-08 08:00:00 UTC", "28.45", "USD",
    ("Order", "111-1", "ItemPrice", "Principal", "40.00", STAMP),
    ("Order", "111-1", "ItemPrice", "Tax", "3.20", STAMP),
    ("Order", "111-1", "ItemWithheldTax", "MarketplaceFacilitatorTax-Principal", "-3.20", STAMP),
    ("Order", "111-1", "ItemFees", "Commission", "-6.00", STAMP),
    ("Order", "111-1", "ItemFees", "Commission", "-6.00", STAMP),
    ("Refund", "111-0", "ItemPrice", "Principal", "(1.30)", STAMP),
    ("Refund", "111-0", "ItemFees", "Commission", "$1.75", STAMP),
    ("Other-Transaction", "", "Other-Transaction", "Current Reserve Amount", "-5.00", STAMP),
    ("Transfer", "", "", "", "-28.45", STAMP),
    ("ServiceFee", "", "Cost of Advertising", "TransactionTotalAmount", "-1.00", STAMP),
    ("other-transaction", "", "other-transaction", "Subscription Fee", "6.00", STAMP),
    ragged=True,
)  # fmt: skip
AMAZON_US_NEXT = amazon(
    "9002", "2026-03-06 08:00:00 UTC", "2026-03-20 08:00:00 UTC", "2026-03-22 08:00:00 UTC", "10.00", "USD",
    ("other-transaction", "", "other-transaction", "Previous Reserve Amount Balance", "4.00", "2026-03-07 03:11:09 UTC"),
    ("Order", "111-2", "ItemPrice", "Principal", "6.00", "2026-03-07 03:11:09 UTC"),
    ("Order", "111-2", "ItemPrice", "Shipping", "", "2026-03-07 03:11:09 UTC"),
    ("other-transaction", "", "other-transaction", "Pine Levy", "-1.00", "2026-03-07 03:11:09 UTC"),
)  # fmt: skip
AMAZON_EU = amazon(
    "9101", "20.02.2026 08:00:00 UTC", "06.03.2026 08:00:00 UTC", "08.03.2026 08:00:00 UTC", "1.275,00", "EUR",
    ("Order", "302-1", "ItemPrice", "Principal", "1.500,00", "21.02.2026 23:30:00 UTC"),
    ("Order", "302-1", "ItemFees", "Commission", "-225,00", "21.02.2026 23:30:00 UTC"),
)  # fmt: skip

FILES = {
    "pine/adyen/settlement_details/settlement_detail_report_batch_7.csv": BATCH_7,
    "pine/adyen/settlement_details/settlement_detail_report_batch_8.csv": BATCH_8,
    "pine/adyen/settlement_details/settlement_detail_report_batch_9.csv": BATCH_9,
    "pine/adyen/settlement_details/settlement_detail_report_batch_11.csv": BATCH_11,
    "pine/adyen/settlement_details/other_7.csv": OTHER_7,
    "pine/paypal/settlement/STL-20260306.01.009.CSV": DAY_5,
    "pine/paypal/settlement/STL-20260307.01.009.CSV": DAY_6,
    "pine/paypal/settlement/STL-20260308.01.009.CSV": DAY_7,
    "pine/paypal/settlement/TRR-20260306.01.010.CSV": TRR,
    "pine/paypal/activity/Download.CSV": ACTIVITY,
    "espana/paypal/activity/Descargar.CSV": SPANISH,
    "pine/amazon/settlement_v2/9001.txt": AMAZON_US,
    "pine/amazon/settlement_v2/9002.txt": AMAZON_US_NEXT,
    "pine/amazon/settlement_v2/9101.txt": AMAZON_EU,
}
FEEDS = ("adyen__settlement_details", "paypal__settlement", "paypal__activity", "amazon__settlement_v2")
MODELS = [f"{kind}_{feed}" for feed in FEEDS for kind in ("stg", "rejected", "legs", "payouts", "identities")]


def settle(folder: FeedFolder) -> None:
    """Land all files and build what is made of them."""
    for path, content in FILES.items():
        folder.put(path, content)
    assert folder.land().failed_files == 0
    folder.build("leg_kinds", "zone_aliases", "currencies", "paypal_activity__balances", *MODELS)
