"""PayPal's settlement report (STL) and transaction detail report (TRR): comma- or tab-separated rows of several types
and unlike lengths, each told by its first field.

RH, FH and SH say whose report it is and for what period, CH names the columns of the body rows (SB) below it. Body rows
become records; so do the footers of a section and of the report (SF, RF: totals and balances of one currency; SC, RC:
how many body rows), because they are the file's own control totals. All else is structure.

An amount stands there unsigned, beside its CR or DR; here it gets its sign (DR is negative) and keeps its mark in a
column of its own. What the row does to the balance is told too, because a TRR also lists what does not touch it. Only
declared columns are kept: a TRR holds names and addresses of customers.

No row names the payout that took it, for a payout (T04xx) empties a balance. Where a section's footer says that the
balance of a currency was nothing at its beginning and at its end, a row belongs to the next payout of that currency in
the section (`payout_id`); elsewhere nobody can say, and nothing is said. So the file is read twice, first for payouts
and footers only.
"""

import csv
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from orchestration.landing.feeds import Feed
from orchestration.landing.header import HeaderMap, map_header
from orchestration.landing.readers._lines import Line, text_lines
from orchestration.landing.readers._sink import Sink
from orchestration.landing.reading import Reading, Target
from orchestration.landing.remedies import header_fault
from orchestration.landing.text import PlainText

FIRST_ROW = re.compile(rb'\s*"?RH"?[ \t]*([,\t])')
ROW = re.compile(r'\s*"?(?:RH|FH|SH|CH|SB|SF|SC|RC|RF|FF)"?\s*(?:[,\t]|$)')
BODY = re.compile(r'\s*"?SB\b')
MOST_LINES = 1000  # of one row: a quote that does not close must not swallow the file

# What a body row must say for itself; a footer has none of it, so the declaration cannot ask for it.
NEEDED = (
    "transaction_id",
    "transaction_event_code",
    "transaction_initiation_date",
    "gross_transaction_amount",
    "gross_transaction_currency",
)
MARKED = (
    ("gross_transaction_amount", "transaction_debit_or_credit", "gross amount"),
    ("fee_amount", "fee_debit_or_credit", "fee"),
)
TOTALS = ("gross_credits", "gross_debits", "fee_credits", "fee_debits")
BALANCES = (
    "begin_balance",
    "end_balance",
    "begin_available_balance",
    "end_available_balance",
    "begin_payable_balance",
    "end_payable_balance",
)
SETTLED, NOT_SETTLED = ("S",), ("P", "D", "V", "F")
AUTHORISATIONS, DISPLAY_ONLY, PAYOUTS = "T13", "T9800", "T04"

# A settlement report tells the money that was settled and is believed before a detail report of the same transaction,
# and both before what was downloaded by hand (which has no version).
STL, TRR = "2", "1"

Values = dict[str, str | None]
Balance = tuple[str | None, str | None, str | None]  # file, section, currency


class Row(NamedTuple):
    """One row: its first physical line, how many it covers, its text, and why its bytes cannot be used."""

    number: int
    span: int
    text: str
    fault: str | None


class RowError(Exception):
    """Why a row is a reject."""


def sniff(head: bytes) -> bool:
    """A report begins with its header row."""
    return FIRST_ROW.match(head) is not None


def read(plain: PlainText, feed: Feed, target: Target) -> Reading:
    """Read a report into the target's two Parquet files."""
    first = FIRST_ROW.match(plain.head)
    delimiter = first[1].decode() if first else ","
    payouts = _payouts(plain, _Report(feed, target.org_id, delimiter))
    report = _Report(feed, target.org_id, delimiter)
    with Sink("paypal_settlement", plain, feed, target) as sink:
        for row in _rows(text_lines(plain)):
            if not row.fault and not row.text.strip():
                sink.blank(row.span)
                continue
            try:
                if row.fault:
                    raise RowError(row.fault)
                record = report.take(row.text)
            except RowError as why:
                sink.reject(row.number, row.span, str(why), row.text)
                continue
            if record is None:
                sink.header(row.span)
            else:
                if record["record_type"] == "SB":
                    record["payout_id"] = payouts.of(record)
                sink.record(record, row.span)
    return sink.reading


class _Payouts:
    """The payouts of each balance that a section emptied, in the order of their times."""

    def __init__(self, taken: dict[Balance, list[tuple[datetime, str]]]) -> None:
        self.taken = {balance: sorted(payouts) for balance, payouts in taken.items()}
        self.ids = {balance: {payout for _, payout in payouts} for balance, payouts in taken.items()}

    def of(self, record: Values) -> str | None:
        """The payout that took a row, a payout's own id for itself; None where nobody can say."""
        balance = _balance(record)
        payouts = self.taken.get(balance)
        at = _time(record) if payouts else None
        if not payouts or at is None:
            return None
        own = record["transaction_id"]
        if own in self.ids[balance]:
            return own
        place = bisect_left(payouts, (at, ""))
        return payouts[place][1] if place < len(payouts) else None


def _payouts(plain: PlainText, report: "_Report") -> _Payouts:
    """The payouts of the balances that began and ended with nothing, as their footers say."""
    found: dict[Balance, list[tuple[datetime, str]]] = {}
    emptied: set[Balance] = set()
    for row in _rows(text_lines(plain)):
        if row.fault or not row.text.strip() or (BODY.match(row.text) and PAYOUTS not in row.text.upper()):
            continue
        try:
            record = report.take(row.text)
        except RowError:
            continue
        if record is None:
            continue
        if record["record_type"] == "SB" and record["balance_effect"] == "MOVES" and _is_payout(record):
            at = _time(record)
            if at:
                found.setdefault(_balance(record), []).append((at, record["transaction_id"] or ""))
        elif record["record_type"] == "SF":
            balances = (record.get("begin_balance"), record.get("end_balance"))
            if all(balance is not None and not balance.strip("0") for balance in balances):
                emptied.add(_balance(record))
    return _Payouts({balance: payouts for balance, payouts in found.items() if balance in emptied})


def _is_payout(record: Values) -> bool:
    return (record["transaction_event_code"] or "").upper().startswith(PAYOUTS)


def _balance(record: Values) -> Balance:
    currency = record["gross_transaction_currency"]
    return record["file_number"], record["section"], currency.upper() if currency else None


def _time(record: Values) -> datetime | None:
    text = record.get("transaction_completion_date") or record["transaction_initiation_date"] or ""
    try:
        at = datetime.fromisoformat(text.replace("/", "-").replace(" -", "-").replace(" +", "+"))
    except ValueError:
        return None
    return at if at.tzinfo else None  # what names no zone cannot be put in order with the rest


def _rows(lines: Iterable[Line]) -> Iterator[Row]:
    """The lines, put together where a quoted field goes over their ends. A line that begins like a row begins one,
    whatever quote may be open.
    """
    held: list[Line] = []
    quotes = 0
    for line in lines:
        if held and (ROW.match(line.text) or len(held) >= MOST_LINES):
            yield _joined(held)
            held, quotes = [], 0
        in_line = line.text.count('"')
        if not held and in_line % 2 == 0:
            yield Row(line.number, 1, line.shown, line.fault)
            continue
        held.append(line)
        quotes += in_line
        if quotes % 2 == 0:
            yield _joined(held)
            held, quotes = [], 0
    if held:
        yield _joined(held)


def _joined(lines: Sequence[Line]) -> Row:
    fault = next((line.fault for line in lines if line.fault), None)
    return Row(lines[0].number, len(lines), "\n".join(line.shown for line in lines), fault)


class _Report:
    """What the rows so far say of those that follow."""

    def __init__(self, feed: Feed, org_id: str, delimiter: str) -> None:
        self.feed, self.org_id, self.delimiter = feed, org_id, delimiter
        self.columns = [(c.name, False, c.aliases) for c in feed.columns]
        self.report: Values = {}
        self.file_number: str | None = None
        self.section: Values = {}
        self.sections = 0
        self.names: Sequence[str] = ()
        self.body: tuple[tuple[str, int], ...] = ()
        self.width = 0

    def take(self, text: str) -> Values | None:
        """The record of a row, None for one of structure. Raises `RowError` for one that cannot be used."""
        try:
            fields = next(csv.reader([text], delimiter=self.delimiter, strict=True))
        except csv.Error as error:
            raise RowError(f"unreadable row: {error}") from error
        code = fields[0].strip().upper()
        if code == "SB":
            return self._body(fields)
        if code in ("SF", "RF"):
            return self._footer(code, fields)
        if code in ("SC", "RC"):
            return self._totals(code, None, {"record_count": _at(fields, 1)})
        if code == "RH":
            names = ("report_date", "report_window", "account_id", "report_version")
            self.report = {name: _at(fields, place) for place, name in enumerate(names, 1)}
            self.section, self.sections = {}, 0
        elif code == "FH":
            self.file_number = _at(fields, 1)
        elif code == "SH":
            self.sections += 1
            account = _at(fields, 3) or self.report.get("account_id")
            self.section = {"period_start": _at(fields, 1), "period_end": _at(fields, 2), "account_id": account}
        elif code == "CH":
            self._columns(fields[1:])
        elif code != "FF":
            raise RowError(f"unknown record type {fields[0]!r}")
        return None

    def _columns(self, names: Sequence[str]) -> None:
        """What the body rows hold. A report without the columns that a movement needs cannot be read at all."""
        if names == self.names:
            return  # as the section above
        spaced = [" ".join(name.split()) for name in names]
        found = map_header(spaced, self.columns, self.feed.org_aliases(self.org_id))
        places = {name: place for name, place in found.sources if place is not None}
        missing = tuple(name for name in (*NEEDED, "transaction_debit_or_credit") if name not in places)
        if missing or found.doubtful:
            told = HeaderMap(found.sources, found.extras, missing, found.doubtful)
            raise header_fault(self.feed, self.org_id, spaced, told)
        self.body, self.width, self.names = tuple(places.items()), len(names), names

    def _common(self, code: str) -> Values:
        section = self.section if code in ("SB", "SF", "SC") else {}
        return {
            **self.report,
            **section,
            "record_type": code,
            "file_number": self.file_number,
            "section": str(self.sections) if section else None,
        }

    def _body(self, fields: list[str]) -> Values:
        if not self.body:
            raise RowError("a body row without column names above it")
        if any(field.strip() for field in fields[1 + self.width :]):
            raise RowError(f"{self.width} fields expected after the record type, {len(fields) - 1} found")
        cells = [field.strip() or None for field in fields[1:]]
        cells += [None] * (self.width - len(cells))
        values: Values = {**self._common("SB"), **{name: cells[place] for name, place in self.body}}
        missing = [name for name in NEEDED if not values.get(name)]
        if missing:
            raise RowError(f"a movement without {', '.join(missing)}")
        for amount, mark, what in MARKED:
            values[amount] = _signed(values.get(amount), values.get(mark), what)
        currency, fee_currency = values["gross_transaction_currency"], values.get("fee_currency")
        if (values["fee_amount"] or "").strip("0") and fee_currency and fee_currency != currency:
            raise RowError(f"a fee in {fee_currency} of a movement in {currency}")
        values["fee_currency"] = fee_currency or currency
        values["balance_effect"] = _balance_effect(values)
        is_transaction = (values.get("paypal_reference_id_type") or "TXN").upper() == "TXN"
        values["original_transaction_id"] = values.get("paypal_reference_id") if is_transaction else None
        values["version"] = TRR if "transactional_status" in values else STL
        return values

    def _footer(self, code: str, fields: list[str]) -> Values:
        """Currency, four totals, up to six balances with a mark each, and the number of body rows."""
        while fields and not fields[-1].strip():
            fields.pop()
        pairs = fields[6:-1]
        if len(fields) < 6 or len(pairs) % 2 or len(pairs) > 2 * len(BALANCES):
            raise RowError(f"a footer of {len(fields)} fields; 7 to 19 with a mark before each balance are expected")
        values: Values = {name: _at(fields, place) for place, name in enumerate(TOTALS, 2)}
        for place, name in enumerate(BALANCES[: len(pairs) // 2]):
            values[name] = _signed(_at(pairs, 2 * place + 1), _at(pairs, 2 * place), name.replace("_", " "))
        if len(fields) > 6:
            values["record_count"] = _at(fields, len(fields) - 1)
        return self._totals(code, _at(fields, 1), values)

    def _totals(self, code: str, currency: str | None, values: Values) -> Values:
        common = self._common(code)
        place = common.get("period_end") or common.get("report_date")
        parts = (code, common.get("account_id"), self.file_number, common["section"], place, currency)
        return {
            **common,
            **values,
            "gross_transaction_currency": currency,
            "transaction_id": ":".join(part or "" for part in parts),
            "balance_effect": "TOTAL",
            "version": STL,
        }


def _at(fields: Sequence[str], place: int) -> str | None:
    """A field without blanks around it, None where there is none or nothing in it."""
    return (fields[place].strip() or None) if place < len(fields) else None


def _signed(amount: str | None, mark: str | None, what: str) -> str | None:
    """An unsigned amount with the sign of its mark; nothing may stand without one but a zero."""
    if amount is None or not amount.strip("0"):
        return amount
    if amount[0] in "+-":
        raise RowError(f"a sign in the {what} {amount!r}, which has a mark for it")
    sign = {"CR": "", "DR": "-"}.get((mark or "").upper())
    if sign is None:
        raise RowError(f"neither CR nor DR beside the {what} {amount!r}, but {mark or 'nothing'}")
    return sign + amount


def _balance_effect(values: Values) -> str:
    """`MOVES` or `MEMO`; for a status that nobody knows the status itself, which no kind is declared for."""
    code = (values.get("transaction_event_code") or "").upper()
    if code.startswith(AUTHORISATIONS) or code == DISPLAY_ONLY:
        return "MEMO"
    status = (values.get("transactional_status") or "").upper()
    if status in NOT_SETTLED:
        return "MEMO"
    known = status in SETTLED or "transactional_status" not in values
    return "MOVES" if known else f"STATUS {status}"
