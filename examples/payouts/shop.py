"""A shop: it draws its orders, has them paid, and exports them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from examples.payouts.catalogue import BY_NAME
from examples.payouts.clock import DAY, Zone
from examples.payouts.ledger import Account
from examples.payouts.money import share
from examples.payouts.processors.shopify import OrderExport
from examples.payouts.processors.square import Square
from examples.payouts.records import Line, Order

if TYPE_CHECKING:
    from examples.payouts.world import World

GATEWAYS = {
    "shopify": "Shopify Payments",
    "stripe": "Stripe",
    "adyen": "Adyen",
    "paypal": "PayPal Express Checkout",
    "amazon": "Amazon",
    "square": "Square",
}
# Orders whose fault ends their way before any processor.
UNPAID = ("order_without_payment", "gift_card_order", "voided_order")


class Shop:
    """One shop of an org, in one currency, with the processors that take its money."""

    def __init__(
        self, world: World, org: str, mark: str, currency: str, zone: str, accounts: list[tuple[Account, int]]
    ) -> None:
        self.world, self.org, self.mark, self.currency, self.zone = world, org, mark, currency, Zone(zone)
        self.accounts = [account for account, weight in accounts for _ in range(weight)]
        # where another currency's charges can land by mistake
        self.foreign: Account | None = None
        self.next = 100_001
        odd = lambda number: world.has("dialects") and number == 2 and mark == "EU"  # noqa: E731
        self.export = OrderExport(
            world.root / org / "shopify" / "orders",
            mark,
            self.zone,
            world.start,
            world.period,
            lambda number: ("utf-16", "\r\n") if odd(number) else ("utf-8", "\n"),
        )
        # orders whose later state a second delivery brings
        self.changed: list[Order] = []

    def takes(self, systems: tuple[str, ...]) -> bool:
        """Whether a fault of some systems can be done here."""
        return not systems or any(account.system in systems for account in self.accounts)

    def sell(self, at: int, fault: str = "") -> None:
        """One order, with everything that will happen to it."""
        world = self.world
        systems = BY_NAME[fault].systems if fault else ()
        choices = [account for account in self.accounts if not systems or account.system in systems]
        account = choices[world.random.randrange(len(choices))]
        order = self.draw(at, account)
        order.fault = fault
        exported = fault not in ("payment_without_order", "cash_sale")
        charges: list[Line] = []
        if fault == "cash_sale":
            assert isinstance(account, Square)
            account.cash(order, at + 15)
        elif fault not in UNPAID:
            charges = self.pay(order, account, at + 1 + world.random.randrange(90))
            order.reference = charges[0].payment_ref
            if account.system == "shopify":
                order.reference = f"r{order.id}.1"
        else:
            order.gateway = "Gift Card" if fault == "gift_card_order" else order.gateway
            order.status = "voided" if fault == "voided_order" else "paid"
            world.key.order(self.org, order, None, None, "")
        if not fault:
            self.maybe_refund(order, account, charges[0])
        if fault:
            self.report(order, account, charges)
        if fault == "excel_order_ids":
            order.reference = f"{order.reference[0]}.{order.reference[1:5]}E+15"
        if exported:
            self.write(order)

    def draw(self, at: int, account: Account) -> Order:
        """What is bought."""
        random, name = self.world.random, f"#{self.mark}{self.next}"
        number, self.next = self.next, self.next + 1
        yen = self.currency == "JPY"
        count = 1 if random.random() < 0.7 else 2 if random.random() < 0.8 else 3
        items = [
            (1 + (random.random() < 0.2), random.randint(900, 12_000) if yen else random.randint(700, 9_999))
            for _ in range(count)
        ]
        worth = sum(quantity * price for quantity, price in items)
        discount = worth // 10 if random.random() < 0.1 else 0
        subtotal = worth - discount
        shipping = 0 if account.system == "square" else (500 if yen else 550) if worth < 8000 else 0
        if self.currency == "USD":
            # tax on top; elsewhere it is inside
            tax = share(subtotal, 80_000)
            total = subtotal + shipping + tax
        else:
            tax = share(subtotal + shipping, 160_000)
            total = subtotal + shipping
        id_ = str(6_120_000_000_000 + ord(self.mark[0]) * 10_000_000_000 + number)
        gateway = GATEWAYS[account.system]
        return Order(name, id_, at, self.currency, total, subtotal, shipping, tax, discount, items, gateway)

    def pay(self, order: Order, account: Account, at: int) -> list[Line]:
        """The charge of an order, or what its fault makes of it."""
        world, fault, amount = self.world, order.fault, order.total
        if fault == "charge_amount":
            return [account.charge(order, amount + account.odd_amount(), at)]
        if fault == "charge_currency":
            assert self.foreign is not None
            return [self.foreign.charge(order, amount, at)]
        if fault == "split_payment":
            return [account.charge(order, amount // 3, at), account.charge(order, amount - amount // 3, at + 30)]
        charge = account.charge(order, amount, at)
        if fault == "fee_off":
            charge.fee += 60 + world.random.randrange(90)
        elif fault == "duplicate_row":
            charge.copies = 2
        elif fault == "extra_decimals":
            charge.unreadable = True
        elif fault == "settled_twice":
            return [charge, account.charge(order, amount, at + 3 * DAY, charge.payment_ref)]
        elif fault == "references_lost":
            charge.order_ref, charge.payment_ref = "", account.new_payment_ref()
            # the order keeps another reference
            return [Line("CHARGE", at, charge.id, amount, payment_ref=account.new_payment_ref()), charge]
        elif fault == "refund_without_order":
            lost = account.refund(charge, amount // 2, at + 2 * DAY)
            lost.order, lost.parent = None, ""
            lost.order_ref = f"#{self.mark}9{self.next}"
            lost.payment_ref = account.new_payment_ref()
            return [charge, lost]
        elif fault in ("chargeback_open", "chargeback_reversed"):
            taken = account.chargeback(charge, at + 3 * DAY)
            if fault == "chargeback_reversed":
                account.chargeback_reversal(charge, at + 6 * DAY)
            return [charge, taken]
        return [charge]

    def maybe_refund(self, order: Order, account: Account, charge: Line) -> None:
        """One order in twenty is refunded, in whole or in part."""
        random = self.world.random
        if random.random() >= 0.05:
            return
        # Amazon's principal is what can be refunded of an order there
        whole = order.subtotal if account.system == "amazon" else order.total
        order.refunded = whole if random.random() < 0.5 else whole // 3
        at = order.at + (1 + random.randrange(8)) * DAY + random.randrange(3600)
        order.refund_day = self.zone.day(at)
        account.refund(charge, order.refunded, at)

    def write(self, order: Order) -> None:
        """Export the order."""
        world, files = self.world, self.export.files
        day = self.zone.day(order.at)
        keep = world.has("overlapping_export") and self.mark == "US" and day == files.span(day)[1]
        status = self.export.write(order, keep)
        later = order.refund_day and status == "paid" and order.refund_day <= world.last
        if world.has("changed_reexport") and later and self.org == world.org and len(self.changed) < 5:
            self.changed.append(order)

    def report(self, order: Order, account: Account, charges: list[Line]) -> None:
        """Write what Tieout must find in an order with a fault."""
        world, fault = self.world, BY_NAME[order.fault]
        world.key.inject(fault.name)
        if not fault.anomalies:
            return
        code, key = fault.anomalies[0], world.key
        charge = charges[0] if charges else None
        money, name = self.currency, fault.name
        if code.startswith("?"):
            world.order_finding(self.org, code, order, order.total, name, [charges[-1].id])
            return
        if name in ("order_without_payment", "charge_amount", "charge_currency", "extra_decimals"):
            amount = order.total
            if name == "charge_amount":
                assert charge is not None
                amount = order.total - charge.amount
            others = [charge.id, charge.payment_ref] if charge else []
            world.order_finding(self.org, code, order, amount, name, others)
            return
        assert charge is not None
        about = charges[-1] if name in ("settled_twice", "chargeback_open", "refund_without_order") else charge
        amount = about.amount
        if name == "fee_off":
            amount = -(charge.fee - account.fee(charge.method, charge.amount))
        others = [about.payment_ref, about.parent, about.order_ref, about.order_ref.removeprefix("#")]
        if name == "settled_twice":
            others.append(charge.id)
        key.finding(self.org, code, account.system, about.id, amount, money, name, others)

    def finish(self) -> None:
        """Close the export; write the second delivery's one."""
        self.export.files.close()
        if not self.changed:
            return
        world = self.world
        folder = world.second / self.org / "shopify" / "orders"
        late = OrderExport(folder, f"{self.mark}_again", self.zone, world.start, 0, self.export.files.dialect)
        for order in self.changed:
            status = "refunded" if order.refunded == order.total else "partially_refunded"
            late.files.at(world.last).write(late.rows(order, status, order.refunded))
        late.files.close()
        world.key.inject("changed_reexport")
