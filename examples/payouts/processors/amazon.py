"""Amazon settlement reports V2: a summary row, then one row for each component of money; a reserve over the cycles."""

from itertools import count

from examples.payouts.clock import calendar
from examples.payouts.ledger import Account
from examples.payouts.money import share, text
from examples.payouts.records import Line, Order, Payout
from examples.payouts.sink import Text, names

COLUMNS = names(
    "settlement-id,settlement-start-date,settlement-end-date,deposit-date,total-amount,currency,"
    "transaction-type,order-id,merchant-order-id,adjustment-id,shipment-id,marketplace-name,amount-type,"
    "amount-description,amount,fulfillment-id,posted-date,posted-date-time,order-item-code,"
    "merchant-order-item-id,merchant-adjustment-item-id,sku,quantity-purchased,promotion-id"
)


class Amazon(Account):
    """One marketplace. `comma`: it writes 1.234,50 and 05.03.2026, as the European ones do."""

    system = "amazon"
    lag = 0
    bank_days = (0, 2)
    party = "AMAZON"
    file_has_total = True

    def __init__(self, *given, marketplace: str, first_settlement: int, comma: bool = False) -> None:
        super().__init__(*given)
        self.marketplace, self.comma = marketplace, comma
        self.settlements = count(first_settlement)
        self.folder = self.world.root / self.org / "amazon" / "settlement_v2"
        self.since = self.world.start
        self.reserve = 0

    def line_id(self, kind: str) -> str:
        number = self.number()
        return f"{111 + number // 10**13}-{number // 10**7 % 10**7:07d}-{number % 10**7:07d}"

    def new_payment_ref(self) -> str:
        return ""

    def payout_ids(self, day: int) -> tuple[str, str]:
        number = next(self.settlements)
        return str(number), str(number)

    def fee(self, method: str, amount: int) -> int:
        return 0

    def charge(self, order: Order, amount: int, at: int, payment_ref: str = "") -> Line:
        """The components of an order: the price, the tax (which Amazon withholds), shipping, fees."""
        line = super().charge(order, amount, at)
        # an order is known by its number at Amazon
        line.payment_ref = line.id
        shipping = order.shipping
        tax = order.tax if not self.comma else 0
        principal = amount - shipping - tax
        parts = [("ItemPrice", "Principal", principal, "CHARGE")]
        if tax:
            parts.append(("ItemPrice", "Tax", tax, "CHARGE"))
        if shipping:
            parts.append(("ItemPrice", "Shipping", shipping, "CHARGE"))
        if tax:
            parts.append(("ItemWithheldTax", "MarketplaceFacilitatorTax-Principal", -tax, "ADJUSTMENT"))
        parts.append(("ItemFees", "Commission", -share(principal + shipping, 150_000), "FEE"))
        parts.append(("ItemFees", "FBAPerUnitFulfillmentFee", -min(475, principal // 4), "FEE"))
        return self._with(line, "Order", parts)

    def refund(self, charge: Line, amount: int, at: int) -> Line:
        """Part of the price goes back; the commission comes back, less what Amazon keeps of it."""
        line = self.follow("REFUND", charge, -amount, at)
        back = share(amount, 150_000)
        parts = [
            ("ItemPrice", "Principal", -amount, "REFUND"),
            ("ItemFees", "Commission", back, "FEE"),
            ("ItemFees", "RefundCommission", -min(500, share(back, 200_000)), "FEE"),
        ]
        return self._with(line, "Refund", parts)

    def other(self, description: str, amount: int, kind: str, at: int) -> Line:
        """A movement of the account itself."""
        line = Line(kind, at, f"other-{self.number()}", amount)
        return self._with(line, "other-transaction", [("other-transaction", description, amount, kind)])

    @staticmethod
    def _with(line: Line, transaction: str, parts: list[tuple[str, str, int, str]]) -> Line:
        line.parts = [(transaction, *part) for part in parts if part[2]]
        line.fee = line.amount - sum(part[3] for part in line.parts)
        return line

    def pays_on(self, day: int) -> bool:
        return (day - self.world.start + 1) % self.world.cycle == 0

    def payout_day(self, day: int) -> int:
        return day + 2

    def pay(self, day: int) -> None:
        """A cycle ends: the subscription, the reserve of the last cycle back, and this one's kept."""
        end = self.zone.start(day + 1) - 1
        lines, total = self.payable(day)
        if total <= 0:
            return
        self.leave(lines)
        extra = []
        if total > 10_000:
            extra.append(self.other("Subscription Fee", -3999, "FEE", self.zone.start(self.since) + 8 * 3600))
        if self.reserve:
            extra.append(self.other("Previous Reserve Amount Balance", self.reserve, "RESERVE_RELEASE", end))
        self.reserve = total // 20
        extra.append(self.other("Current Reserve Amount", -self.reserve, "RESERVE_HOLD", end))
        for line in extra:
            line.local_day = day
        self.settle(day, lines + extra, total + sum(line.net for line in extra))

    def due(self, line: Line, day: int) -> bool:
        return True

    def add(self, payout: Payout, kind: str, amount: int) -> Line:
        line = super().add(payout, kind, amount)
        return self._with(line, "other-transaction", [("other-transaction", "Adjustment", amount, kind)])

    def write(self, payout: Payout) -> None:
        payout.file = f"settlement_{payout.id}.txt"
        file = Text(self.folder / payout.file)
        file.write("\t".join(COLUMNS) + "\n")
        begin, end = self.zone.start(self.since), self.zone.start(payout.closed + 1) - 1
        mark = "," if self.comma else "."
        total = text(payout.amount, self.currency, mark)
        deposit = self.zone.start(payout.day) + 8 * 3600
        head = [payout.id, self.stamp(begin), self.stamp(end), self.stamp(deposit), total, self.currency, *[""] * 18]
        file.write("\t".join(head) + "\n")
        for line in payout.lines:
            if not line.hidden:
                for part in line.parts or []:
                    file.write(self.row(line, part, payout.id, mark))
        file.close()
        self.since = payout.closed + 1

    def date(self, at: int) -> str:
        """A day as the marketplace writes it."""
        day = calendar(self.zone.day(at))
        return f"{day:%d.%m.%Y}" if self.comma else f"{day:%Y-%m-%d}"

    def stamp(self, at: int) -> str:
        """An instant as the marketplace writes it."""
        return f"{self.date(at)} {self.zone.clock(at)} UTC"

    def row(self, line: Line, part: tuple[str, str, str, int, str], settlement: str, mark: str) -> str:
        """One component."""
        transaction, type_, description, amount, _ = part
        order = line.payment_ref
        item = f"9{int(order[4:].replace('-', '')):014d}" if order else ""
        cells = [
            settlement,
            *[""] * 5,
            transaction,
            order,
            line.order_ref.removeprefix("#"),
            f"ADJ{line.id[-7:]}" if transaction == "Refund" else "",
            f"SHP{order[-7:]}" if transaction == "Order" else "",
            self.marketplace,
            type_,
            description,
            text(amount, self.currency, mark),
            "AFN" if order else "",
            self.date(line.at),
            self.stamp(line.at),
            item,
            "",
            f"MA{line.id[-7:]}" if transaction == "Refund" else "",
            "WT-L" if order else "",
            "1" if transaction == "Order" else "",
            "",
        ]
        return "\t".join(cells) + "\n"
