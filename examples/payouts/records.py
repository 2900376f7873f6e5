"""What happens in the world: orders, the lines that a processor books, payouts, and a bank's entries."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Order:
    """One order of a shop. Amounts in minor units of `currency`; `at` in seconds since 1970."""

    name: str
    id: str
    at: int
    currency: str
    total: int
    subtotal: int
    shipping: int
    tax: int
    discount: int
    # (quantity, unit price) of each item
    items: list[tuple[int, int]]
    # how it is paid, as the shop calls it, and the processor's reference for the payment
    gateway: str
    reference: str = ""
    fault: str = ""
    # local day of the refund and its amount; 0 for none
    refund_day: int = 0
    refunded: int = 0
    status: str = "paid"


@dataclass(slots=True)
class Line:
    """One movement that a processor books: `amount` towards the merchant is +, `fee` is a cost and reduces it."""

    kind: str
    at: int
    id: str
    amount: int
    fee: int = 0
    order: Order | None = None
    # the order number that the processor has (the shop may not know it), and its own reference of the payment
    order_ref: str = ""
    payment_ref: str = ""
    # what the line is about: the charge that is refunded, in the processor's ids
    parent: str = ""
    method: str = ""
    # the processor's own word for the kind, where the kind alone does not say it
    code: str = ""
    # money components for formats that have one row each: (transaction, type, description, amount, kind)
    parts: list[tuple[str, str, str, int, str]] | None = None
    # not written into the file although the money moved
    hidden: bool = False
    # written with a decimal too many, so that nobody can read it
    unreadable: bool = False
    copies: int = 1
    local_day: int = 0

    @property
    def net(self) -> int:
        """What moves to the merchant."""
        return self.amount - self.fee


@dataclass(slots=True)
class Payout:
    """Money that a processor sends to a bank, and the lines that it consists of."""

    org: str
    system: str
    id: str
    currency: str
    # closed on this local day, dated so in the file
    closed: int
    day: int
    amount: int
    lines: list[Line]
    # what the bank's text says
    reference: str
    status: str = "paid"
    # what happens to its deposit: "", missing, differs, bare, none, split, returned, bundled
    deposit: str = ""
    # entries of the bank that are still to come
    expected: int = 1
    fault: str = ""
    # amount of a payout before that failed and is paid with this one
    manual: bool = False
    headless: bool = False
    file: str = ""
    # the bank's references of its entries, with commas
    deposit_id: str = ""
    deposit_day: int = 0
    deposit_minor: int | None = None
    other_ids: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Entry:
    """One entry of a bank account; `amount` is + for a credit."""

    day: int
    amount: int
    # who pays, as the bank calls it, and the reference that the text holds
    party: str
    reference: str
    payout: Payout | None = None
    # of the amount, what another payment brings that is booked together with this one
    beside: int = 0
    fault: str = ""
    pending: bool = False
    id: str = ""

    @property
    def is_all(self) -> bool:
        """Whether it is the one entry of its payout, and of nothing else."""
        return self.payout is None or self.payout.deposit not in ("split", "returned", "bundled")
