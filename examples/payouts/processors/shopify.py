"""Shopify Payments: payout transactions and payouts. Neither has a row id, and the payouts no payout id."""

from pathlib import Path

from examples.payouts.clock import iso
from examples.payouts.ledger import Account, scrambled
from examples.payouts.money import text
from examples.payouts.records import Line, Order, Payout
from examples.payouts.sink import Series, cell, names

TRANSACTIONS = names(
    "Transaction Date,Type,Order,Card Brand,Card Source,Payout Status,Payout Date,Payout ID,Available On,"
    "Amount,Fee,Net,Checkout,Payment Method Name,Presentment Amount,Presentment Currency,Currency,VAT"
)
# An older layout: columns in another order and under another name, no VAT, dates with slashes.
REORDERED = names(
    "Payout Date,Payout Status,Payout ID,Transaction Date,Type,Order,Card Brand,Card Source,Available On,"
    "Currency,Amount,Fee,Net,Checkout,Payment Method,Presentment Amount,Presentment Currency"
)
# The oldest: nine columns, and no payout id.
NARROW = names("Transaction Date,Type,Order,Payout Status,Payout Date,Amount,Fee,Net,Currency")
PAYOUTS = (
    "Payout Date,Status,Charges,Refunds,Adjustments,Reserved Funds,Fees,Retried Amount,Total,Currency,Bank Reference"
)
TYPES = {"CHARGE": "charge", "REFUND": "refund", "ADJUSTMENT": "adjustment"}


class ShopifyPayments(Account):
    """The payments of one shop."""

    system = "shopify"
    bank_days = (1, 2)
    party = "SHOPIFY"

    def __init__(self, *given, zone: str, shop: str, narrow: bool = False) -> None:
        self.zone_name = zone
        super().__init__(*given)
        self.narrow = narrow
        world = self.world
        root = world.root / self.org / "shopify"
        self.rows = Series(
            lambda first, last: f"payment_transactions_export_{shop}_{iso(first)}.csv",
            root / "payout_transactions",
            world.start,
            world.period,
        )
        self.payouts = Series(lambda first, last: f"payouts_export_{shop}_{iso(first)[:7]}.csv", root / "payouts", 0, 0)
        self.payouts.header = lambda _: PAYOUTS + "\n"
        odd = lambda number: world.has("dialects") and number == 2 and not narrow  # noqa: E731
        self.columns = lambda number: NARROW if narrow else REORDERED if odd(number) else TRANSACTIONS
        self.rows.header = lambda number: ",".join(self.columns(number)) + "\n"
        self.rows.dialect = lambda number: ("utf-8-sig", "\r\n") if odd(number) else ("utf-8", "\n")

    def line_id(self, kind: str) -> str:
        """A line has no id in the file: its checkout, its kind and its time stand for it."""
        return f"shopify-line-{self.number()}"

    def new_payment_ref(self) -> str:
        return f"#{37_700_000_000_000 + self.number()}"

    def payout_ids(self, day: int) -> tuple[str, str]:
        number = self.number()
        return str(118_000_000_000 + number), f"ST-{scrambled(number, 8)}"

    def settle(self, day: int, lines: list[Line], amount: int) -> Payout:
        payout = super().settle(day, lines, amount)
        if self.narrow:
            payout.id = f"{iso(payout.day)} {self.currency}"
        return payout

    def write(self, payout: Payout) -> None:
        file = self.rows.at(payout.day)
        payout.file = self.rows.files[-1].name
        for line in payout.lines:
            if not line.hidden:
                file.write(self.row(line, payout, self.rows.number))
        if not payout.headless:
            self.payouts.at(payout.day).write(self.payout_row(payout))

    def row(self, line: Line, payout: Payout | None, number: int) -> str:
        """One row of the transactions."""
        money = self.currency
        slashes = self.columns(number) is REORDERED
        day = iso(payout.day) if payout else ""
        if slashes and day:
            year, month, rest = day.split("-")
            day = f"{year}/{int(month)}/{int(rest)}"
        status = ("in_transit" if payout.day >= self.world.last else "paid") if payout else "pending"
        shown = line.amount if line.kind == "CHARGE" else abs(line.amount)
        values = {
            "Transaction Date": self.zone.with_offset(line.at),
            "Type": line.code or TYPES[line.kind],
            "Order": line.order_ref,
            "Card Brand": line.method,
            "Card Source": "online" if line.kind == "CHARGE" else "",
            "Payout Status": status,
            "Payout Date": day,
            "Payout ID": payout.id if payout else "",
            "Available On": iso(line.local_day + self.lag),
            "Amount": text(line.amount, money),
            "Fee": text(line.fee, money),
            "Net": text(line.net, money),
            "Checkout": line.payment_ref,
            "Payment Method Name": "card" if line.method else "",
            "Payment Method": "card" if line.method else "",
            "Presentment Amount": text(shown, money) if line.order_ref else "",
            "Presentment Currency": money if line.order_ref else "",
            "Currency": money,
            "VAT": text(0, money),
        }
        return ",".join([values[name] for name in self.columns(number)]) + "\n"

    def payout_row(self, payout: Payout) -> str:
        """One row of the payouts; the fees are negative, so that the components add up to the total."""
        sums = {"CHARGE": 0, "REFUND": 0, "ADJUSTMENT": 0}
        fees = 0
        for line in payout.lines:
            sums[line.kind] += line.amount
            fees += line.fee
        # A total that is off shows as an adjustment that no line explains: the row's own sum is right.
        sums["ADJUSTMENT"] += payout.amount - sum(sums.values()) + fees
        money = self.currency
        amounts = [sums["CHARGE"], sums["REFUND"], sums["ADJUSTMENT"], 0, -fees, 0, payout.amount]
        status = "in_transit" if payout.day >= self.world.last else "paid"
        reference = "" if self.narrow else payout.reference
        cells = [iso(payout.day), status, *(text(amount, money) for amount in amounts), money, reference]
        return ",".join(cells) + "\n"

    def finish(self) -> None:
        """What is not paid out yet stands at the end of the last export, without a payout."""
        if not self.narrow:
            file = self.rows.at(self.world.last)
            for line in self.open:
                file.write(self.row(line, None, self.rows.number))
        self.rows.close()
        self.payouts.close()


ORDERS = names(
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,Currency,Subtotal,"
    "Shipping,Taxes,Total,Discount Code,Discount Amount,Shipping Method,Created at,Lineitem quantity,"
    "Lineitem name,Lineitem price,Lineitem compare at price,Lineitem sku,Lineitem requires shipping,"
    "Lineitem taxable,Lineitem fulfillment status,Billing Name,Billing Street,Billing Address1,"
    "Billing Address2,Billing Company,Billing City,Billing Zip,Billing Province,Billing Country,Billing Phone,"
    "Shipping Name,Shipping Street,Shipping Address1,Shipping Address2,Shipping Company,Shipping City,"
    "Shipping Zip,Shipping Province,Shipping Country,Shipping Phone,Notes,Note Attributes,Cancelled at,"
    "Payment Method,Payment Reference,Refunded Amount,Vendor,Outstanding Balance,Employee,Location,Device ID,"
    "Id,Tags,Risk Level,Source,Lineitem discount,Tax 1 Name,Tax 1 Value,Tax 2 Name,Tax 2 Value,Tax 3 Name,"
    "Tax 3 Value,Tax 4 Name,Tax 4 Value,Tax 5 Name,Tax 5 Value,Phone,Receipt Number,Duties,"
    "Billing Province Name,Shipping Province Name,Payment ID,Payment Terms Name,Next Payment Due At,"
    "Payment References"
)
AT = {name: place for place, name in enumerate(ORDERS)}
ITEMS = ('Walnut tray, "large"', "Beeswax 250 ml", "Linen towel", "Oak board", "Enamel mug")
SKUS = ("WT-L", "BW-250", "LT-1", "OB-2", "EM-3")


class OrderExport:
    """The orders export of one shop: one row a line item, the order's own columns on its first row only."""

    def __init__(self, folder: Path, shop: str, zone, start: int, length: int, dialect) -> None:
        self.zone = zone
        self.files = Series(lambda first, last: f"orders_export_{shop}_{iso(first)}.csv", folder, start, length)
        self.files.header = lambda _: ",".join(ORDERS) + "\n"
        self.files.dialect = dialect
        # rows of the last day of a period, which an overlapping export shows again
        self.overlap: list[str] = []
        self.overlapped = False

    def rows(self, order: Order, status: str, refunded: int) -> str:
        """The rows of an order, as of when it is exported."""
        money, zone = order.currency, self.zone
        rows = []
        for number, (quantity, price) in enumerate(order.items):
            row = [""] * len(ORDERS)
            row[0] = order.name
            item = (order.total + number * 3) % len(ITEMS)
            row[AT["Lineitem quantity"]] = str(quantity)
            row[AT["Lineitem name"]] = cell(ITEMS[item])
            row[AT["Lineitem price"]] = text(price, money)
            row[AT["Lineitem sku"]] = SKUS[item]
            row[AT["Vendor"]] = "Harbour & Pine"
            if number == 0:
                row[1] = f"c{order.id[-6:]}@example.test"
                row[2] = status
                row[3] = zone.with_offset(order.at + 20) if status != "voided" else ""
                row[AT["Currency"]] = money
                row[AT["Subtotal"]] = text(order.subtotal, money)
                row[AT["Shipping"]] = text(order.shipping, money)
                row[AT["Taxes"]] = text(order.tax, money)
                row[AT["Total"]] = text(order.total, money)
                row[AT["Discount Amount"]] = text(order.discount, money)
                row[AT["Created at"]] = zone.with_offset(order.at)
                row[AT["Billing Zip"]] = "'04101"
                row[AT["Notes"]] = '"Leave at the ""back"" door,\nplease"' if order.total % 23 == 0 else ""
                row[AT["Payment Method"]] = order.gateway
                row[AT["Payment Reference"]] = order.reference
                row[AT["Refunded Amount"]] = text(refunded, money)
                row[AT["Outstanding Balance"]] = text(0, money)
                row[AT["Id"]] = order.id
                row[AT["Source"]] = {"Square": "pos", "Amazon": "amazon"}.get(order.gateway, "web")
                row[AT["Payment ID"]] = f"r{order.id}.1"
                row[AT["Payment References"]] = order.reference
            rows.append(",".join(row))
        return "\n".join(rows) + "\n"

    def write(self, order: Order, keep: bool = False) -> str:
        """Export an order on the day it was made; what is refunded by the end of the period shows."""
        day = self.zone.day(order.at)
        file = self.files.at(day)
        assert self.files.period is not None
        if self.overlap and not keep and day == self.files.period[0]:
            file.write("".join(self.overlap))
            self.overlap, self.overlapped = [], True
        seen = order.refund_day and order.refund_day <= self.files.period[1]
        status = order.status
        if seen:
            status = "refunded" if order.refunded == order.total else "partially_refunded"
        rows = self.rows(order, status, order.refunded if seen else 0)
        file.write(rows)
        if keep:
            self.overlap.append(rows)
        return status
