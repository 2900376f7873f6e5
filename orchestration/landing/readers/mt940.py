"""MT940 (customer statement) and MT942 (interim report), line by line.

A message is a run of fields `:tag:value`; a line that begins no field continues the one before. What lies outside of
messages (SWIFT envelopes, `ABNANL2A`, `-`) is structure. Known dialects of `:86:`: German subfields (`?20`), Dutch and
SEPA code words (`/REMI/`), free text.
"""

import re
from dataclasses import dataclass, field

from orchestration.landing.feeds import Feed
from orchestration.landing.readers._lines import Line, text_lines
from orchestration.landing.readers._mt940_text import read_text
from orchestration.landing.readers._statement import Statements, nothing
from orchestration.landing.readers._values import UnreadableError, comma_amount, near_date, short_date
from orchestration.landing.reading import Reading, Target
from orchestration.landing.text import PlainText

HEAD = 1 << 16
TAG = re.compile(r":([0-9]{2}[A-Z]?|NS):")
MARK = re.compile(rb"(?m)^[\x01{]?[^\r\n]{0,300}?:20:")
SECOND = re.compile(rb"(?m)^:(25P?|28C?|60[FM]|61|62[FM]):")
BALANCES = {
    "60F": "OPENING",
    "60M": "OPENING",
    "62F": "CLOSING",
    "62M": "CLOSING",
    "64": "AVAILABLE",
    "65": "FORWARD",
}
HEADER = ("20", "21", "25", "25P", "28", "28C", "13", "13D", "34F")
OTHER = ("86", "90C", "90D", "NS")  # texts and counts of a whole statement
BALANCE = re.compile(r"([CD])([0-9]{6})([A-Z]{3})([0-9,.]+)")
ENTRY = re.compile(
    r"(?P<value>[0-9]{6})(?P<entry>[0-9]{4}| {4})?(?P<mark>R[CD]|E[CD]|[CD])(?P<funds>[A-Z])? ?"
    r"(?P<amount>[0-9,.]{1,25})(?P<type>[A-Z][A-Z0-9 ]{3})?(?P<rest>.*)"
)
IBAN = re.compile(r"([A-Z]{2}[0-9]{2}[A-Z0-9]{10,30})[ /][A-Z]{3}")
NUMBER = re.compile(r"([0-9]{1,9})(?:/([0-9]{1,9}))?")


@dataclass
class Field:
    """One field with its lines, still open for more."""

    tag: str
    first: int
    lines: list[str] = field(default_factory=list)
    fault: str | None = None

    @property
    def span(self) -> int:
        return len(self.lines)

    @property
    def value(self) -> list[str]:
        """The lines without the tag."""
        return [self.lines[0].partition(f":{self.tag}:")[2], *self.lines[1:]]


def sniff(head: bytes) -> bool:
    """A `:20:` and another field of a statement among the first lines."""
    return bool(MARK.search(head[:HEAD]) and SECOND.search(head[:HEAD]))


def read(plain: PlainText, feed: Feed, target: Target) -> Reading:
    """Read messages into rows; a field that cannot be read is a reject, the rest goes on."""
    with Statements("mt940", plain, feed, target) as rows:
        message = _Messages(rows)
        for line in text_lines(plain):
            message.take(line)
        message.end()
    return rows.reading


class _Messages:
    """The messages of a file, one after the other."""

    def __init__(self, rows: Statements) -> None:
        self.rows = rows
        self.open = False  # inside a message
        self.field: Field | None = None  # the field that is still open
        self.entry: Field | None = None  # the last `:61:`, waiting for its `:86:`
        self.head: dict[str, str] = {}  # fields before the first row
        self.head_lines = 0
        self.begun = False  # the message's row `statement` is written
        self.currency: str | None = None
        self.interim = False

    def take(self, line: Line) -> None:
        text = line.text.lstrip("\x01\x02\x03\ufeff") if line.text[:1] < " " else line.text
        if text.startswith("{") and ":20:" in text:
            text = text[text.index(":20:") :]
        found = TAG.match(text)
        if found is None:
            self._continue(line, text)
            return
        if found[1] == "20" or not self.open:
            self.end()
            self.open = True
        self._close()
        self.field = Field(found[1], line.number, [text], line.fault)
        if line.fault:
            self.field.lines = [line.shown]

    def _continue(self, line: Line, text: str) -> None:
        """A line that begins no field: blank, an envelope, the end of a message, or more of the open field."""
        bare = text.strip()
        if not bare:
            self.rows.blank()  # also inside a text
        elif not self.open:
            if line.fault:
                self.rows.reject(line.number, 1, line.fault, line.shown)
            else:
                self.rows.header()
        elif bare == "-" or text.startswith(("-}", "{")):
            self.end()
            self.rows.header()
        elif self.field is None:
            self.rows.reject(line.number, 1, "a line that belongs to no field", line.shown)
        else:
            self.field.lines.append(line.shown if line.fault else text)
            self.field.fault = self.field.fault or line.fault

    def end(self) -> None:
        """The message is over."""
        self._close()
        self._write_entry(None)
        self._begin()
        self.open = self.begun = self.interim = False
        self.head, self.head_lines, self.currency = {}, 0, None

    def _close(self) -> None:
        """The open field is complete."""
        done, self.field = self.field, None
        if done is None:
            return
        if done.tag == "86" and self.entry:
            self._write_entry(done)
            return
        self._write_entry(None)
        if done.fault:
            self._reject(done, done.fault)
        elif done.tag == "61":
            self.entry = done
        elif done.tag in BALANCES:
            self._balance(done)
        elif done.tag in HEADER and not self.begun:
            self.head.setdefault(done.tag, done.value[0].strip())
            self.interim = self.interim or done.tag == "34F"
            self.head_lines += done.span
        elif done.tag in (*HEADER, *OTHER):
            self.rows.header(done.span)
        else:
            self._reject(done, f"the field :{done.tag}: is not one of a statement")

    def _begin(self) -> None:
        """Write the row of the statement itself, once its first other row comes."""
        if self.begun or not self.open:
            return
        self.begun = True
        number = NUMBER.fullmatch(self.head.get("28C", self.head.get("28", "")))
        account = self.head.get("25") or self.head.get("25P") or ""
        iban = IBAN.fullmatch(account)  # some banks add the currency
        self.rows.begin(
            account=iban[1] if iban else account or None,
            statement_id=nothing(self.head.get("20")),
            statement_number=number[1] if number else None,
            page_number=number[2] if number else None,
        )
        self.rows.row("statement", {"note": "interim report" if self.interim else None}, self.head_lines)

    def _balance(self, done: Field) -> None:
        found = BALANCE.fullmatch("".join(done.value).strip())
        try:
            if found is None:
                raise UnreadableError(f"the balance :{done.tag}: is not mark, date, currency and amount")
            day, note = short_date(found[2])
            amount = comma_amount(found[4])
        except UnreadableError as fault:
            self._reject(done, str(fault))
            return
        self.currency = found[3]
        self._row(
            "balance",
            done.span,
            currency=found[3],
            amount=amount,
            direction=found[1],
            balance_type=BALANCES[done.tag],
            booking_date=day,
            type_code=done.tag,
            note=note,
        )

    def _write_entry(self, text: Field | None) -> None:
        """The waiting `:61:`, with its `:86:` where there is one."""
        entry, self.entry = self.entry, None
        if entry is None:
            return
        span = entry.span + (text.span if text else 0)
        fault = entry.fault or (text.fault if text else None)
        try:
            if fault:
                raise UnreadableError(fault)
            values = self._entry_values(entry.value, text.value if text else [])
        except UnreadableError as unreadable:
            self._begin()
            raw = "\n".join([*entry.lines, *(text.lines if text else [])])
            self.rows.reject(entry.first, span, str(unreadable), raw)
            return
        self._row("entry", span, **values)

    def _entry_values(self, lines: list[str], text: list[str]) -> dict[str, str | None]:
        found = ENTRY.fullmatch(lines[0].rstrip())
        if found is None:
            raise UnreadableError("the line :61: is not value date, mark, amount and references")
        value, note = short_date(found["value"], "value date")
        booked, further = near_date(found["entry"], value) if (found["entry"] or "").strip() else (None, None)
        customer, _, bank = found["rest"].partition("//")
        extra = " ".join(line.strip() for line in lines[1:])
        told = read_text(text)
        mark = found["mark"]
        return {
            "currency": self.currency,
            "amount": comma_amount(found["amount"]),
            # The reversal of a credit takes money away; an expected entry has not come yet.
            "direction": {"RC": "D", "RD": "C"}.get(mark, mark[-1]),
            "is_reversal": "true" if mark[0] == "R" else None,
            "status": "PDNG" if mark[0] == "E" or self.interim else "BOOK",
            "booking_date": booked,
            "value_date": value,
            "customer_ref": nothing(customer),
            "bank_ref": nothing(bank),
            "type_code": (found["type"] or "").strip() or None,
            "note": "; ".join(filter(None, (note, further))) or None,
            **told,
            "entry_text": " ".join(filter(None, (told["entry_text"], extra))) or None,
        }

    def _row(self, record_type: str, lines: int, **values: str | None) -> None:
        self._begin()
        self.rows.row(record_type, values, lines)

    def _reject(self, done: Field, reason: str) -> None:
        self._begin()
        self.rows.reject(done.first, done.span, reason, "\n".join(done.lines))
