"""Square transactions: one row a sale with its tenders; money with a dollar sign; a deposit is the sum of its rows."""

from examples.payouts.clock import business_after, iso
from examples.payouts.ledger import Account, scrambled
from examples.payouts.money import text
from examples.payouts.records import Line, Order, Payout
from examples.payouts.sink import Series

COLUMNS = (
    "Date,Time,Time Zone,Gross Sales,Discounts,Service Charges,Net Sales,Gift Card Sales,Tax,Tip,Partial Refunds,"
    "Total Collected,Source,Card,Card Entry Methods,Cash,Fees,Net Total,Transaction ID,Payment ID,Card Brand,"
    "PAN Suffix,Event Type,Location,Order Reference ID,Deposit ID,Deposit Date,Transaction Status"
)


class Square(Account):
    """The tills. Every day's cards are one deposit; cash stays in the drawer."""

    system = "square"
    zone_name = "America/New_York"
    lag = 0
    bank_days = (0, 1)
    party = "SQUARE INC"

    def __init__(self, *given) -> None:
        super().__init__(*given)
        world = self.world
        folder = world.root / self.org / "square" / "transactions"
        self.rows = Series(
            lambda first, last: f"transactions-{iso(first)}-{iso(last)}.csv", folder, world.start, world.period
        )
        self.rows.header = lambda _: COLUMNS + "\n"

    def line_id(self, kind: str) -> str:
        return "HPPM" + scrambled(self.number(), 18)

    def new_payment_ref(self) -> str:
        return "HPTX" + scrambled(self.number(), 18)

    def payout_ids(self, day: int) -> tuple[str, str]:
        # the bank's text names no deposit
        return "HPDEP" + scrambled(self.number(), 16), ""

    def charge(self, order: Order, amount: int, at: int, payment_ref: str = "") -> Line:
        line = super().charge(order, amount, at)
        # an order at the till is known by its payment
        line.payment_ref = line.id
        return line

    def cash(self, order: Order, at: int) -> Line:
        """A sale for cash: no card, no fee, no deposit."""
        return self.book(Line("CASH", at, self.line_id("CASH"), 0, 0, order))

    def pays_on(self, day: int) -> bool:
        return True

    def due(self, line: Line, day: int) -> bool:
        return line.kind != "CASH"

    def payout_day(self, day: int) -> int:
        return business_after(day, 1)

    def close(self, day: int) -> None:
        super().close(day)
        for line in self.open:
            if line.kind == "CASH":
                self.rows.at(day).write(self.row(line, None))
        self.open = [line for line in self.open if line.kind != "CASH"]

    def write(self, payout: Payout) -> None:
        file = self.rows.at(payout.closed)
        payout.file = self.rows.files[-1].name
        for line in payout.lines:
            if not line.hidden:
                file.write(self.row(line, payout))

    def row(self, line: Line, payout: Payout | None) -> str:
        """One sale or refund."""
        order = line.order
        cash = order.total if line.kind == "CASH" and order else 0
        collected = line.amount + cash
        charged = order is not None and collected == order.total and line.kind != "REFUND"
        tax = order.tax if order and charged else 0
        discount = order.discount if order and charged else 0

        def money(minor: int) -> str:
            sign = "-" if minor < 0 else ""
            return f"{sign}${text(abs(minor), 'USD')}"

        cells = [
            iso(line.local_day),
            self.zone.clock(line.at),
            "Eastern Time (US & Canada)",
            money(collected - tax + discount),
            money(-discount),
            money(0),
            money(collected - tax),
            money(0),
            money(tax),
            money(0),
            money(0),
            money(collected),
            "Point of Sale",
            money(line.amount),
            line.method.capitalize() if line.kind == "CHARGE" else "N/A",
            money(cash),
            money(-line.fee),
            money(collected - line.fee),
            line.id.replace("HPPM", "HPTX"),
            line.id,
            "" if cash else "Visa",
            "" if cash else "4242",
            "Refund" if line.kind == "REFUND" else "Payment",
            "Pier 4",
            line.order_ref.removeprefix("#"),
            payout.id if payout else "",
            iso(payout.day) if payout else "",
            "Complete",
        ]
        return ",".join(cells) + "\n"

    def finish(self) -> None:
        self.rows.close()
