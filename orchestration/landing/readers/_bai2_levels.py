"""The levels of a BAI2 file and what is counted of each while it is read: a few numbers, whatever its size."""

import re
from collections.abc import Iterator

UNITS = re.compile(r"[+-]?[0-9]{1,18}")
FURTHER = {"S": 3, "V": 2}  # fields that a funds type brings with it
BALANCES = {"010": "OPENING", "015": "CLOSING", "040": "OPENING_AVAILABLE", "045": "AVAILABLE"}
TOTALS = {"100": "CREDITS", "400": "DEBITS"}


class Level:
    """A file, a group or an account: sum of the amounts in it, its records (physical ones) and its members."""

    def __init__(self, name: str, records: int) -> None:
        self.name, self.records = name, records
        self.total = self.members = 0
        self.claimed = 0  # the control total that its trailer names, else the one counted
        self.currencies: set[str] = set()


class Account(Level):
    """An account: besides, its summaries and the sums of its details."""

    def __init__(self, records: int, currency: str) -> None:
        super().__init__("ACCOUNT", records)
        self.currency = currency
        self.summaries: dict[str, int] = {}
        self.fault: str | None = None
        self.sums = {"C": 0, "D": 0}
        self.details = 0

    def summarise(self, fields: list[str]) -> None:
        """Take the summaries: type, amount, count, funds type and what that brings."""
        place = 0
        while place < len(fields):
            code, amount, _, funds = (fields[place : place + 4] + [""] * 4)[:4]
            place += 4
            if funds.upper() == "D":
                count = fields[place] if place < len(fields) else ""
                place += 1 + (2 * int(count) if count.isdigit() and len(count) < 4 else 0)
            place += FURTHER.get(funds.upper(), 0)
            if not code and not amount:
                continue
            if amount and not UNITS.fullmatch(amount):
                self.fault = f"the summary {code} has the amount {amount!r}, no whole number of minor units"
            elif amount:
                self.total += int(amount)
                self.summaries.setdefault(code, int(amount))

    def add(self, direction: str, units: int) -> None:
        """A detail."""
        self.sums[direction] += units
        self.details += 1

    def balances(self) -> Iterator[tuple[str, str, int]]:
        """Kind, code and units of each balance. An opening without a closing, or the reverse, proves nothing: many
        banks give only one.
        """
        both = "010" in self.summaries and "015" in self.summaries
        for code, kind in BALANCES.items():
            if code in self.summaries:
                yield (kind if both or code not in ("010", "015") else f"{kind}_ALONE"), code, self.summaries[code]

    def totals(self) -> Iterator[tuple[str, int, int | None]]:
        """The sums that the summaries claim beside those of the details; without any detail the claims stand alone,
        because the bank has told only sums.
        """
        for code, kind in TOTALS.items():
            if code in self.summaries:
                mark = "C" if kind == "CREDITS" else "D"
                alone = self.details == 0
                yield (f"{kind}_ALONE" if alone else kind), self.summaries[code], None if alone else self.sums[mark]
