"""BAI2, line by line: files (01), groups (02), accounts (03), details (16), continuations (88), trailers (49, 98, 99).

Amounts are whole minor units of their currency. Each trailer's control total and count are held against what was read,
as rows `total`; a trailer that never comes leaves its row without a claim.
"""

import re

from orchestration.landing.feeds import Feed
from orchestration.landing.readers._bai2_levels import FURTHER, UNITS, Account, Level
from orchestration.landing.readers._lines import Line, text_lines
from orchestration.landing.readers._statement import Statements, nothing
from orchestration.landing.readers._values import UnreadableError, of_minor_units, short_date
from orchestration.landing.reading import Reading, Target
from orchestration.landing.text import PlainText

HEADER = re.compile(rb"\s*01,[^\r\n]{0,200}[\r\n]+\s*(02|88),")
RECORD = re.compile(r"(01|02|03|16|49|88|98|99)(,|/|$)")
INFORMATION = 890  # a detail without money


def sniff(head: bytes) -> bool:
    """A file header and a group header after it."""
    return HEADER.match(head[:4096]) is not None


def read(plain: PlainText, feed: Feed, target: Target) -> Reading:
    """Read a file into rows; a record that cannot be read is a reject, the rest goes on."""
    with Statements("bai2", plain, feed, target) as rows:
        file = _File(rows)
        for line in text_lines(plain):
            file.take(line)
        file.end()
    return rows.reading


class _Record:
    """A record with its continuations: its code and what stands behind it, piece by piece."""

    def __init__(self, code: str, line: Line) -> None:
        self.code, self.first, self.fault = code, line.number, line.fault
        self.lines: list[str] = []
        self.pieces: list[str] = []
        self.add(line)

    def add(self, line: Line) -> None:
        self.fault = self.fault or line.fault
        self.lines.append(line.shown)
        bare = line.text.strip()
        self.pieces.append(bare[3:].removesuffix("/") if bare[2:3] == "," else "")

    @property
    def fields(self) -> list[str]:
        """All fields, for records that have no text."""
        return [field.strip() for piece in self.pieces for field in piece.split(",")]


class _Cursor:
    """Takes fields off the pieces of a record one by one; what is left is its text."""

    def __init__(self, pieces: list[str]) -> None:
        self._pieces, self._rest = pieces, None if not pieces else pieces[0]
        self._next = 1

    def field(self) -> str:
        if self._rest is None:
            if self._next >= len(self._pieces):
                return ""
            self._rest = self._pieces[self._next]
            self._next += 1
        field, mark, rest = self._rest.partition(",")
        self._rest = rest if mark else None
        return field.strip()

    def text(self) -> str:
        parts = [self._rest or "", *self._pieces[self._next :]]
        return " ".join(" ".join(parts).split())


def _detail_fields(pieces: list[str]) -> tuple[str, str, str | None, str, str, str]:
    """Type code, amount, value date, bank's and customer's reference and text of a detail."""
    whole = pieces[0].split(",", 5) if len(pieces) == 1 else []
    if len(whole) == 6 and whole[2] in ("", "0", "1", "2", "Z"):  # nearly all: nothing but the text may be odd
        code, amount, _, bank, customer, text = whole
        return code.strip(), amount.strip(), None, bank, customer, " ".join(text.split())
    cursor = _Cursor(pieces)
    code, amount, funds = cursor.field(), cursor.field(), cursor.field().upper()
    value = None
    if funds == "D":
        count = cursor.field()
        for _ in range(2 * int(count) if count.isdigit() and len(count) < 4 else 0):
            cursor.field()
    else:
        further = [cursor.field() for _ in range(FURTHER.get(funds, 0))]
        value = short_date(further[0], "value date")[0] if funds == "V" and further[0] else None
    return code, amount, value, cursor.field(), cursor.field(), cursor.text()


class _File:
    """The levels of a file, and the record that is still open."""

    def __init__(self, rows: Statements) -> None:
        self.rows = rows
        self.record: _Record | None = None
        self.file: Level | None = None
        self.group: Level | None = None
        self.account: Account | None = None
        self.currency = "USD"
        self.day: str | None = None
        self.file_id: str | None = None

    def take(self, line: Line) -> None:
        bare = line.text.strip()
        if not bare:
            self.rows.blank()
            return
        found = RECORD.match(bare)
        if found and found[1] == "88" and self.record:
            self.record.add(line)
            return
        self._close()
        if found is None or found[1] == "88":
            reason = "an 88 that continues nothing" if found else "a line that begins with no record code of BAI2"
            self.rows.reject(line.number, 1, line.fault or reason, line.shown)
        else:
            self.record = _Record(found[1], line)

    def end(self) -> None:
        """The file is over; levels that are still open were cut short."""
        self._close()
        self._end_account(None)
        self._end_group(None)
        self._end_file(None)

    def _close(self) -> None:
        record, self.record = self.record, None
        if record is None:
            return
        for level in (self.file, self.group, self.account):
            if level:
                level.records += len(record.lines)
        handle = {
            "01": self._open_file,
            "02": self._open_group,
            "03": self._open_account,
            "16": self._detail,
            "49": self._end_account,
            "98": self._end_group,
            "99": self._end_file,
        }[record.code]
        try:
            if record.fault:
                raise UnreadableError(record.fault)
            handle(record)
        except UnreadableError as fault:
            self.rows.reject(record.first, len(record.lines), str(fault), "\n".join(record.lines))

    def _open_file(self, record: _Record) -> None:
        self._end_account(None)
        self._end_group(None)
        self._end_file(None)
        self.file = Level("FILE", len(record.lines))
        self.file_id = nothing((record.fields + [""] * 5)[4])
        self.rows.header(len(record.lines))

    def _open_group(self, record: _Record) -> None:
        self._end_account(None)
        self._end_group(None)
        self.file = self.file or Level("FILE", len(record.lines))
        self.group = Level("GROUP", len(record.lines))
        fields = record.fields + [""] * 7
        self.currency = fields[5].upper() or "USD"
        try:
            self.day = short_date(fields[3], "as-of date")[0]
        except UnreadableError:
            self.day = fields[3] or None  # staging rejects every row with it
        self.rows.header(len(record.lines))

    def _open_account(self, record: _Record) -> None:
        self._end_account(None)
        if self.group is None:
            self.group = Level("GROUP", len(record.lines))
        fields = record.fields
        currency = (fields[1].upper() if len(fields) > 1 else "") or self.currency
        self.account = account = Account(len(record.lines), currency)
        self.rows.begin(
            account=nothing(fields[0]), statement_id="-".join(filter(None, (self.day, self.file_id))) or None
        )
        common: dict[str, str | None] = {"currency": currency, "booking_date": self.day}
        self.rows.row("statement", common, len(record.lines))
        account.summarise(fields[2:])
        for kind, code, units in account.balances():
            values = {"balance_type": kind, "type_code": code, "amount": of_minor_units(units, currency)}
            self.rows.row("balance", {**common, **values}, 0)
        if account.fault:
            # The account's own row has claimed the lines.
            self.rows.reject(record.first, len(record.lines), account.fault, "\n".join(record.lines), 0)

    def _detail(self, record: _Record) -> None:
        if self.account is None:
            raise UnreadableError("a detail (16) outside of an account (03)")
        code, amount, value, bank, customer, text = _detail_fields(record.pieces)
        units = int(amount) if UNITS.fullmatch(amount) else None
        if units is not None:
            self.account.total += units
        if not code.isdigit():
            raise UnreadableError(f"the type code {code!r} is no number")
        kind = int(code)
        direction = "C" if 100 <= kind < 400 else "D" if 400 <= kind < 700 else None
        if kind == INFORMATION and not units:
            self.rows.header(len(record.lines))
            return
        if direction is None:
            raise UnreadableError(f"the type code {code} is neither credit (100 to 399) nor debit (400 to 699)")
        if units is None:
            raise UnreadableError(f"the amount {amount!r} is no whole number of minor units")
        if units < 0:
            raise UnreadableError(f"the amount {amount} has a sign, which the type code {code} gives")
        self.account.add(direction, units)
        self.rows.row(
            "entry",
            {
                "currency": self.account.currency,
                "amount": of_minor_units(units, self.account.currency),
                "direction": direction,
                "booking_date": self.day,
                "value_date": value or self.day,
                "bank_ref": nothing(bank),
                "customer_ref": nothing(customer),
                "entry_text": text or None,
                "type_code": code,
            },
            len(record.lines),
        )

    def _end_account(self, record: _Record | None) -> None:
        account, self.account = self.account, None
        if account is None:
            if record:
                raise UnreadableError("an account trailer (49) without its account (03)")
            return
        for kind, units, counted in account.totals():
            values = {"amount": of_minor_units(units, account.currency), "balance_type": kind}
            told = None if counted is None else of_minor_units(counted, account.currency)
            self._total(account.currency, 0, **values, counted_amount=told)
        self._trailer(account, record, account.currency, account.records)
        if self.group:
            self.group.members += 1
            self.group.total += account.claimed

    def _end_group(self, record: _Record | None) -> None:
        if record:
            self._end_account(None)
        group, self.group = self.group, None
        if group is None:
            if record:
                raise UnreadableError("a group trailer (98) without its group (02)")
            return
        self._trailer(group, record, self.currency, group.records)
        if self.file:
            self.file.members += 1
            self.file.total += group.claimed
            self.file.currencies.add(self.currency)

    def _end_file(self, record: _Record | None) -> None:
        if record:
            self._end_account(None)
            self._end_group(None)
        file, self.file = self.file, None
        if file is None:
            if record:
                raise UnreadableError("a file trailer (99) without its file (01)")
            return
        currency = next(iter(file.currencies)) if len(file.currencies) == 1 else None
        self._trailer(file, record, currency, file.records)

    def _trailer(self, level: Level, record: _Record | None, currency: str | None, counted: int) -> None:
        """The control total and counts of a level beside what was read of it."""
        lines = len(record.lines) if record else 0
        claims = [int(field) if UNITS.fullmatch(field) else None for field in (record.fields if record else [])]
        claims += [None] * 3
        level.claimed = claims[0] if claims[0] is not None else level.total
        units = level.total
        if currency is None:
            # Units of several currencies add up to no money; the sum is a number all the same.
            self._total(None, lines, "CONTROL", level, item_count=_text(claims[0]), counted_items=str(units))
        else:
            amount = None if claims[0] is None else of_minor_units(claims[0], currency)
            told = of_minor_units(units, currency)
            self._total(currency, lines, "CONTROL", level, amount=amount, counted_amount=told)
        records = claims[1] if level.name == "ACCOUNT" else claims[2]
        self._total(currency, 0, "RECORDS", level, item_count=_text(records), counted_items=str(counted))
        if level.name != "ACCOUNT":
            members = "ACCOUNTS" if level.name == "GROUP" else "GROUPS"
            self._total(currency, 0, members, level, item_count=_text(claims[1]), counted_items=str(level.members))

    def _total(
        self,
        currency: str | None,
        lines: int,
        kind: str | None = None,
        level: Level | None = None,
        **values: str | None,
    ) -> None:
        if level is not None:
            values["balance_type"] = f"{level.name}_{kind}"
            if level.name != "ACCOUNT":  # not of the account that came last
                values |= {"account": None, "statement_id": None, "statement_index": None}
        self.rows.row("total", {"currency": currency, "booking_date": self.day, **values}, lines)


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
