"""A processor's account: it books lines, closes days, pays out, and tells the bank."""

from __future__ import annotations

import heapq
from functools import cache
from itertools import count
from math import gcd
from typing import TYPE_CHECKING

from examples.payouts.catalogue import BY_NAME
from examples.payouts.clock import Zone, business_after, is_business
from examples.payouts.records import Entry, Line, Order, Payout

if TYPE_CHECKING:
    from examples.payouts.bank import Bank
    from examples.payouts.world import World

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@cache
def _spread(base: int, length: int) -> int:
    """A factor near the golden part of all numbers of so many digits, coprime to them: no two products meet."""
    factor = base**length * 618_033_988_749 // 1_000_000_000_000
    while gcd(factor, base) != 1:
        factor += 1
    return factor


def scrambled(number: int, length: int, digits: str = DIGITS) -> str:
    """A number as an id of fixed length; no two numbers give the same, and neighbours look unlike each other."""
    base = len(digits)
    number = number * _spread(base, length) % base**length
    text = ""
    for _ in range(length):
        number, rest = divmod(number, base)
        text = digits[rest] + text
    return text


class Account:
    """Money of one merchant account in one currency. Each processor says what its ids, days and files are."""

    system = ""
    zone_name = "UTC"
    # days from a charge until it is paid out, and business days from a payout until the bank has it
    lag = 2
    bank_days = (0, 1)
    # the name in the bank's text
    party = ""

    def __init__(self, world: World, org: str, currency: str, bank: Bank | None) -> None:
        self.world, self.org, self.currency, self.bank = world, org, currency, bank
        self.zone = Zone(self.zone_name)
        self.methods = world.contracts.methods(self.system, currency) or [""]
        self.pending: list[tuple[int, int, Line]] = []
        self.open: list[Line] = []
        self._tie = count()
        # so that accounts of one system never give the same id
        self._numbers = count(world.account_number() * 40_000_000 + 1)
        world.accounts.append(self)

    # ---- ids: what the processor calls things

    def number(self) -> int:
        """The next number to make an id of."""
        return next(self._numbers)

    def line_id(self, kind: str) -> str:
        """The id of a new line."""
        raise NotImplementedError

    def new_payment_ref(self) -> str:
        """The processor's reference of a new payment, the same in all its lines."""
        raise NotImplementedError

    def payout_ids(self, day: int) -> tuple[str, str]:
        """The id of a new payout, and the reference that the bank's text shows."""
        raise NotImplementedError

    # ---- booking

    def book(self, line: Line) -> Line:
        """Remember a line for the day on which it happens."""
        heapq.heappush(self.pending, (line.at, next(self._tie), line))
        return line

    def charge(self, order: Order, amount: int, at: int, payment_ref: str = "") -> Line:
        """A payment of an order."""
        method = self.methods[self.world.random.randrange(len(self.methods))]
        return self.book(
            Line(
                "CHARGE",
                at,
                self.line_id("CHARGE"),
                amount,
                self.fee(method, amount),
                order,
                order.name,
                payment_ref or self.new_payment_ref(),
                method=method,
            )
        )

    def fee(self, method: str, amount: int) -> int:
        """What a charge costs by contract."""
        return self.world.contracts.fee(self.system, method, self.currency, amount)

    def follow(self, kind: str, charge: Line, amount: int, at: int, fee: int = 0) -> Line:
        """A line about an earlier charge: a refund, a chargeback, its reversal."""
        return self.book(
            Line(
                kind,
                at,
                self.line_id(kind),
                amount,
                fee,
                charge.order,
                charge.order_ref,
                charge.payment_ref,
                charge.id,
                charge.method,
            )
        )

    def refund(self, charge: Line, amount: int, at: int) -> Line:
        """Money back to the customer; the fee of the charge is kept."""
        return self.follow("REFUND", charge, -amount, at)

    def chargeback(self, charge: Line, at: int) -> Line:
        """The customer's bank takes the money back."""
        return self.follow("CHARGEBACK", charge, -charge.amount, at, self.dispute_fee())

    def chargeback_reversal(self, charge: Line, at: int) -> Line:
        """The merchant wins; the money comes back, and the fee with it."""
        return self.follow("CHARGEBACK_REVERSAL", charge, charge.amount, at, -self.dispute_fee())

    def dispute_fee(self) -> int:
        """The fee of a chargeback."""
        return 1500

    # ---- the end of a day

    def pays_on(self, day: int) -> bool:
        """Whether there is a payout run at the end of a local day."""
        return is_business(day)

    def close(self, day: int) -> None:
        """A local day is over: its lines are booked, and what is due is paid out."""
        for line in self.take(day):
            line.local_day = self.zone.day(line.at)
            self.open.append(line)
        if self.pays_on(day):
            self.pay(day)

    def take(self, day: int) -> list[Line]:
        """The lines of all local days up to one."""
        end = self.zone.start(day + 1)
        taken = []
        while self.pending and self.pending[0][0] < end:
            taken.append(heapq.heappop(self.pending)[2])
        return taken

    def due(self, line: Line, day: int) -> bool:
        """Whether a line is paid out at the end of a day: money away at once, money in after the lag."""
        return line.net < 0 or line.local_day + self.lag <= day

    def payable(self, day: int) -> tuple[list[Line], int]:
        """Lines that are paid out now, and their sum, which is positive. What the balance does not cover waits; until a
        chargeback is covered nothing is paid out."""
        due = [line for line in self.open if self.due(line, day)]
        amount = sum(line.net for line in due)
        if amount > 0:
            return due, amount
        if any(line.kind == "CHARGEBACK" for line in due):
            return [], 0
        chosen = [line for line in due if line.net >= 0]
        amount = sum(line.net for line in chosen)
        for line in sorted((line for line in due if line.net < 0), key=lambda line: line.kind != "ROLLING_BALANCE"):
            if amount + line.net > 0:
                chosen.append(line)
                amount += line.net
        return chosen, amount

    def pay(self, day: int) -> None:
        """Pay out what is due."""
        lines, amount = self.payable(day)
        if amount <= 0:
            return
        self.leave(lines)
        self.settle(day, lines, amount)

    def leave(self, lines: list[Line]) -> None:
        """Lines leave the balance."""
        gone = {id(line) for line in lines}
        self.open = [line for line in self.open if id(line) not in gone]

    def settle(self, day: int, lines: list[Line], amount: int) -> Payout:
        """Make a payout of lines, do its fault, write it and send it to the bank."""
        id_, reference = self.payout_ids(day)
        payout = Payout(self.org, self.system, id_, self.currency, day, self.payout_day(day), amount, lines, reference)
        payout.other_ids.append(reference)
        self.tamper(payout)
        self.write(payout)
        self.report(payout)
        self.deliver(payout)
        return payout

    def payout_day(self, day: int) -> int:
        """The day that the file gives to a payout closed on a day."""
        return day

    def write(self, payout: Payout) -> None:
        """Write the payout and its lines into the processor's files."""
        raise NotImplementedError

    def deliver(self, payout: Payout) -> None:
        """Tell the bank, unless there is none."""
        self.world.open_payout(payout)
        if self.bank is None or payout.deposit in ("missing", "none"):
            return
        low, high = self.bank_days
        day = business_after(payout.day, self.world.random.randint(low, high))
        amount = payout.amount
        if payout.deposit == "differs":
            amount -= self.odd_amount()
        reference = "" if payout.deposit == "bare" else payout.reference
        day = max(day, payout.closed + 1)
        amounts, beside = [amount], 0
        if payout.deposit == "split":
            amounts = [amount * 2 // 5, amount - amount * 2 // 5]
        elif payout.deposit == "returned":
            amounts = [amount, -amount, amount]
        elif payout.deposit == "bundled":
            beside = 10_000 + self.odd_amount()
        payout.expected = len(amounts)
        for later, part in enumerate(amounts):
            when = business_after(day, later) if later else day
            self.bank.expect(Entry(when, part + beside, self.party, reference, payout, beside))

    def finish(self) -> None:
        """The world ends: write what is left and close the files."""

    # ---- faults

    def odd_amount(self) -> int:
        """An amount that no tolerance covers."""
        return self.world.random.randint(211, 1987)

    def instant(self, day: int) -> int:
        """An instant late on a local day."""
        return self.zone.start(day) + 22 * 3600

    def tamper(self, payout: Payout) -> None:
        """Do the next fault of the schedule to a payout, if it is its turn."""
        name = self.world.payout_fault(self, payout.closed)
        if not name:
            return None
        if any(line.unreadable for line in payout.lines):
            return self.world.give_back()
        if name == "payout_line_missing":
            charges = [line for line in payout.lines if line.kind == "CHARGE" and line.order]
            spare = [line for line in charges if not line.order.refunded and not line.order.fault]  # type: ignore[union-attr]
            if len(spare) < 2:
                return self.world.give_back()
            spare[self.world.random.randrange(len(spare))].hidden = True
        elif name == "payout_total_off":
            payout.amount += self.odd_amount()
        elif name == "payout_header_missing":
            payout.headless = True
        elif name == "unmapped_type":
            self.add(payout, "UNMAPPED", -min(self.odd_amount(), payout.amount // 3))
        elif name == "deposit_missing":
            payout.deposit = "missing"
        elif name == "deposit_differs":
            payout.deposit = "differs"
        elif name == "bank_text_bare":
            payout.deposit = "bare"
        elif name in ("deposit_split", "deposit_returned"):
            payout.deposit = name.removeprefix("deposit_")
        elif name == "deposit_bundled":
            # no other format tells of what an entry is made
            if self.bank is None or self.bank.writer.name != "camt":
                return self.world.give_back()
            payout.deposit = "bundled"
        elif name == "deposit_without_payout":
            self.unexpected(payout)
        elif name == "reserve_held_and_released":
            held = payout.amount // 10
            self.add(payout, "RESERVE_HOLD", -held)
            at = self.instant(payout.closed + 5)
            self.book(Line("RESERVE_RELEASE", at, self.line_id("RESERVE_RELEASE"), held))
        elif name == "negative_payout":
            self.add(payout, "ADJUSTMENT", -(payout.amount + self.odd_amount()))
        elif not self.special_fault(name, payout):
            return self.world.give_back()
        # done to another payout, beside this one
        payout.fault = "" if name in ("manual_payout", "payout_without_lines") else name
        if name != "deposit_without_payout":  # counted when the bank books it
            self.world.key.inject(name)
        return None

    def special_fault(self, name: str, payout: Payout) -> bool:
        """A fault that only this processor knows; whether it was done."""
        return False

    def add(self, payout: Payout, kind: str, amount: int) -> Line:
        """One more line in a payout."""
        at = self.instant(payout.closed)
        line = Line(kind, at, self.line_id(kind), amount, local_day=payout.closed)
        payout.lines.append(line)
        payout.amount += amount
        return line

    def unexpected(self, payout: Payout) -> None:
        """The bank gets money in the processor's name that it never paid out."""
        assert self.bank is not None
        _, reference = self.payout_ids(payout.closed)
        amount = 90_000 + self.odd_amount() * 7 + self.number() % 97
        day = business_after(payout.day, 1)
        self.bank.expect(Entry(day, amount, self.party, reference, fault="deposit_without_payout"))

    # Whether a file holds its own total, so that a missing line or a wrong total breaks its arithmetic.
    file_has_total = False

    def report(self, payout: Payout) -> None:
        """Write what Tieout must find in a payout."""
        key, money = self.world.key, self.currency
        others = payout.other_ids
        broken = [line for line in payout.lines if line.unreadable]
        for line in broken:
            fault = BY_NAME["extra_decimals"]
            key.finding(self.org, fault.anomalies[1], self.system, payout.id, line.net, money, fault.name, others)
            key.finding(
                self.org,
                "?SOURCE_DOES_NOT_ADD_UP",
                self.system,
                payout.file,
                line.net,
                money,
                fault.name,
                [payout.id],
                payout.file,
            )
        if not payout.fault:
            return
        fault = BY_NAME[payout.fault]
        amount = payout.amount
        if fault.name == "payout_line_missing":
            for line in payout.lines:
                if line.hidden:
                    amount = line.net
                    assert line.order is not None
                    self.world.order_finding(self.org, fault.anomalies[1], line.order, line.order.total, fault.name)
        elif fault.name in ("payout_total_off", "unmapped_type"):
            amount = payout.amount - sum(line.net for line in payout.lines if line.kind != "UNMAPPED")
        elif fault.name == "deposit_without_payout":
            return  # reported by the bank, which gives it an id
        if fault.anomalies:
            code = fault.anomalies[0]
            key.finding(self.org, code, self.system, payout.id, amount, money, fault.name, others)
        if fault.name in ("payout_line_missing", "payout_total_off") and self.file_has_total:
            code, names = "SOURCE_DOES_NOT_ADD_UP", [payout.id, *others]
            key.finding(self.org, code, self.system, payout.file, amount, money, fault.name, names, payout.file)
        if fault.name == "unmapped_type":
            code, names = "?SOURCE_DOES_NOT_ADD_UP", [payout.id, *others]
            key.finding(self.org, code, self.system, payout.file, amount, money, fault.name, names, payout.file)
        if fault.name == "payout_header_missing":
            # who knows no payout may also say that its deposit has none
            key.finding(self.org, "?UNEXPECTED_DEPOSIT", "bank", payout.reference, amount, money, fault.name, others)
        if fault.name == "deposit_differs":
            # or, by whoever does not join them, as two findings
            key.finding(self.org, "?MISSING_DEPOSIT", self.system, payout.id, amount, money, fault.name, others)
            key.finding(self.org, "?UNEXPECTED_DEPOSIT", "bank", payout.reference, amount, money, fault.name, others)
        if fault.name == "payout_failed_retried":
            key.finding(self.org, "?MISSING_DEPOSIT", self.system, payout.id, amount, money, fault.name, others)
