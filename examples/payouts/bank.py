"""Bank accounts: what is expected on which day becomes statements, one a business day, in each account's format."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from examples.payouts.clock import calendar, is_business
from examples.payouts.records import Entry

if TYPE_CHECKING:
    from examples.payouts.formats import Format
    from examples.payouts.world import World


@dataclass(slots=True)
class Statement:
    """One account's business day, with the balances as the file states them."""

    day: int
    number: int
    opening: int
    entries: list[Entry]
    closing: int
    fault: str = ""
    pending: tuple[Entry, ...] = ()

    @property
    def file_total(self) -> tuple[int, int]:
        """Credits and debits, both as positive amounts."""
        credit = sum(entry.amount for entry in self.entries if entry.amount > 0)
        return credit, -sum(entry.amount for entry in self.entries if entry.amount < 0)


class Bank:
    """One account."""

    def __init__(self, world: World, org: str, account: str, currency: str, writer: Format) -> None:
        self.world, self.org, self.account, self.currency, self.writer = world, org, account, currency, writer
        self.balance = world.random.randint(200_000, 900_000)
        self.number = 0
        self._waiting: list[tuple[int, int, Entry]] = []
        self._tie = count()
        self._ids = count(1)
        self.previous_day = world.start - 2
        world.banks.append(self)

    def expect(self, entry: Entry) -> None:
        """An entry that will be booked on its day."""
        heapq.heappush(self._waiting, (entry.day, next(self._tie), entry))

    def noise(self, day: int) -> None:
        """What else happens on an account: fees, rent, a customer who pays an invoice."""
        random = self.world.random
        today = calendar(day)
        if today.day <= 7 and today.weekday() == 0:
            self.expect(Entry(day, -random.randint(500, 3000), "", f"ACCOUNT FEE {today:%B}".upper()))
        if random.random() < 0.08:
            self.expect(Entry(day, -random.randint(20_000, 90_000), "", f"RENT WAREHOUSE {today:%m%y}"))
        if random.random() < 0.05:
            self.expect(
                Entry(day, random.randint(20_000, 90_000), "", f"INVOICE {random.randint(1000, 9999)} OAK BOARDS")
            )

    def close(self, day: int) -> None:
        """A business day is over: its statement is written."""
        if not is_business(day):
            return
        self.noise(day)
        booked = []
        while self._waiting and self._waiting[0][0] <= day:
            booked.append(heapq.heappop(self._waiting)[2])
        fault = self.world.statement_fault(self, day)
        pending: tuple[Entry, ...] = ()
        if fault == "pending_entry":
            held = [entry for entry in booked if entry.payout is not None and entry.amount > 0 and entry.is_all]
            if held:
                pending = (held[0],)
                booked.remove(held[0])
                held[0].day = self.world.next_business(day)
                self.expect(held[0])
            else:
                self.world.give_back()
                fault = ""
        for entry in booked:
            entry.day = day
            entry.id = self.writer.entry_id(day, next(self._ids))
            self.book(entry)
        self.number += 1
        off = 100 + self.world.random.randint(11, 9999)
        if fault == "sequence_gap":
            self.number += 1
        if fault == "statement_does_not_continue":
            self.balance += off
        opening = self.balance
        self.balance += sum(entry.amount for entry in booked)
        if fault == "statement_arithmetic":
            # the next statement opens with what this one says
            self.balance += off
        statement = Statement(day, self.number, opening, booked, self.balance, fault, pending)
        file = self.writer.write(self, statement)
        if fault:
            self.world.key.inject(fault)
            self.world.statement_finding(self, fault, file, off, self.names(statement))
        self.previous_day = day

    def names(self, statement: Statement) -> list[str]:
        """What a statement may be called: by its account and number, or by what is wrong with the account."""
        place, number, money = f"bank/statement {self.account}", statement.number, self.currency
        if statement.fault == "control_total":
            return [f"{place} account_control {money}", f"{place} account_control"]
        numbers = [f"{place} {number}", f"{place} {number}/1"]
        return [self.writer.statement_id(self, statement), *numbers, *(f"{name} {money}" for name in numbers)]

    def book(self, entry: Entry) -> None:
        """An entry is on the account: its payout has arrived, once the last of its entries has."""
        payout = entry.payout
        if payout is not None:
            payout.deposit_id = ", ".join(filter(None, (payout.deposit_id, entry.id)))
            payout.deposit_minor = (payout.deposit_minor or 0) + entry.amount - entry.beside
            payout.deposit_day = entry.day
            payout.expected -= 1
            if not payout.expected:
                self.world.resolve(payout)
        elif entry.fault:
            self.world.key.inject(entry.fault)
            self.world.key.unexpected(self.org, entry, self.currency)
