"""OFX and QFX: SGML without closing tags (1.x) and XML (2.x), by one grammar of tags, line by line.

Banks deviate from the specification in all ways; what counts are the tags. A transaction ends with its closing tag, or
where something that cannot be part of it begins.
"""

import html
import re

from orchestration.landing.feeds import Feed
from orchestration.landing.readers._lines import text_lines
from orchestration.landing.readers._statement import LONGEST_TEXT, Statements, nothing
from orchestration.landing.readers._values import UnreadableError, any_amount, long_date
from orchestration.landing.reading import Reading, Target
from orchestration.landing.text import PlainText

HEAD = 1 << 16
START = re.compile(rb"\s*(OFXHEADER\s*:|<\?OFX|<OFX>|<STMTTRN>|<\?xml[^>]*>\s*(<\?OFX|<OFX>))", re.IGNORECASE)
CHARSET = re.compile(rb"CHARSET:\s*([A-Za-z0-9_-]+)", re.IGNORECASE)
XML_ENCODING = re.compile(rb"""^\s*<\?xml[^>]*encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
TAG = re.compile(r"<(/?)([A-Za-z0-9_.]+)\s*/?>")
DATE = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?=$|[0-9.\[ ])")
STATEMENTS = ("STMTRS", "CCSTMTRS")
BALANCES = {"LEDGERBAL": "LEDGER", "AVAILBAL": "AVAILABLE"}
MOST_LINES = 2000  # of one transaction; more are no transaction


def sniff(head: bytes) -> bool:
    """An OFX header, or the first tag of a document."""
    return START.match(head[:HEAD].lstrip(b"\xef\xbb\xbf")) is not None


def encoding(head: bytes) -> str | None:
    """What the header says: `CHARSET:1252`, `CHARSET:8859-1`, or an XML declaration."""
    found = XML_ENCODING.match(head[:1024])
    if found:
        return found[1].decode()
    named = CHARSET.search(head[:1024])
    name = named[1].decode().upper() if named else ""
    if name.isdigit():
        return f"cp{name}"
    return f"iso-{name}" if name.startswith("8859") else None if name in ("", "NONE") else name


def read(plain: PlainText, feed: Feed, target: Target) -> Reading:
    """Read a document into rows; a transaction that cannot be read is a reject, the rest goes on."""
    with Statements("ofx", plain, feed, target) as rows:
        document = _Document(rows)
        for line in text_lines(plain):
            document.take(line.number, line.shown if line.fault else line.text, line.fault)
        document.end()
        rows.rest_is_structure(plain.counts.lines)
    return rows.reading


class _Part:
    """A transaction or balance that is open: its values and the lines that it stands on."""

    def __init__(self, name: str, line: int, place: int) -> None:
        self.name, self.first, self.last, self.place = name, line, line, place
        self.values: dict[str, str] = {}
        self.raw: list[str] = []
        self.fault: str | None = None


class _Document:
    """The tags of a document in their order."""

    def __init__(self, rows: Statements) -> None:
        self.rows = rows
        self.head: dict[str, str] = {}
        self.begun = self.opened = self.closed = False
        self.part: _Part | None = None
        self.tag: str | None = None  # the element whose text is still coming

    def take(self, number: int, text: str, fault: str | None) -> None:
        if not text.strip():
            if self.part is None:
                self.rows.blank()
            return
        place = 0
        for found in TAG.finditer(text):
            self._text(text[place : found.start()])
            name = found[2].upper()
            if found[1]:
                self._close(name, number, text, found.end())
            else:
                self._open(name, number, found.start())
            place = found.end()
        self._text(text[place:] + " ")
        part = self.part
        if part:
            part.last = number
            part.fault = part.fault or fault
            if len(part.raw) < MOST_LINES:
                part.raw.append(text)
            else:
                part.fault = f"more than {MOST_LINES} lines without an end"

    def end(self) -> None:
        """The document is over; a transaction that is still open was cut short."""
        if self.part:
            self.part.fault = self.part.fault or "cut short: the file ends before the transaction does"
            self._finish()
        if self.opened and not self.closed:
            self._begin()
            self.rows.row("total", {"balance_type": "FILE_END", "counted_items": "0"}, 0)

    def _text(self, text: str) -> None:
        if self.tag is None or not text:
            return
        values = self.part.values if self.part else self.head
        kept = values.get(self.tag, "")
        if len(kept) < LONGEST_TEXT:
            values[self.tag] = kept + text

    def _open(self, name: str, number: int, place: int) -> None:
        self.tag = None
        self.opened = self.opened or name == "OFX"
        if name == "STMTTRN" or name in BALANCES:
            self._finish()
            self.part = _Part(name, number, place)
        elif name in STATEMENTS:
            self._finish()
            self.head, self.begun = {}, False
        elif self.part is None:
            self.tag = name if name in ("CURDEF", "ACCTID", "DTSTART", "DTEND") else None
            if self.tag and self.tag in self.head:
                self.tag = None
        else:
            # A name inside an aggregate (PAYEE) counts only where the transaction itself has none.
            self.tag = None if name in self.part.values else name

    def _close(self, name: str, number: int, text: str, end: int) -> None:
        self.tag = None
        self.closed = self.closed or name == "OFX"
        part = self.part
        if part and name in (part.name, "BANKTRANLIST", "OFX", *STATEMENTS):
            part.last = number
            part.raw.append(text[part.place if number == part.first else 0 : end])
            self._finish()

    def _finish(self) -> None:
        part, self.part, self.tag = self.part, None, None
        if part is None:
            return
        self._begin()
        lines = self.rows.claim(part.first, part.last)
        values = {name: html.unescape(" ".join(text.split())) for name, text in part.values.items()}
        try:
            if part.fault:
                raise UnreadableError(part.fault)
            if part.name == "STMTTRN":
                self.rows.row("entry", self._entry(values), lines)
            else:
                self.rows.row("balance", self._balance(part.name, values), lines)
        except UnreadableError as fault:
            raw = "\n".join(part.raw)
            self.rows.reject(part.first, part.last - part.first + 1, str(fault), raw, lines)

    def _begin(self) -> None:
        """Write the row of the statement, once its first other row comes."""
        if self.begun:
            return
        self.begun = True
        self.rows.begin(account=nothing(self.head.get("ACCTID")))
        end = self.head.get("DTEND", "").strip()
        found = DATE.match(end)
        day = f"{found[1]}-{found[2]}-{found[3]}" if found and found[1] != "0000" else None
        self.rows.row("statement", {"currency": self._currency(), "booking_date": day}, 0)

    def _currency(self) -> str | None:
        return nothing(self.head.get("CURDEF"))

    def _entry(self, values: dict[str, str]) -> dict[str, str | None]:
        if not values.get("TRNAMT"):
            raise UnreadableError("no amount (TRNAMT)")
        posted, note = _day(values.get("DTPOSTED", ""), "DTPOSTED")
        used = values.get("DTAVAIL", "")
        value = _day(used, "DTAVAIL")[0] if used.strip("0") else None
        name, memo = values.get("NAME"), values.get("MEMO")
        return {
            "currency": self._currency(),
            "amount": any_amount(values["TRNAMT"]),
            "booking_date": posted,
            "value_date": value,
            "bank_ref": nothing(values.get("FITID")),
            "customer_ref": nothing(values.get("CHECKNUM") or values.get("CHKNUM") or values.get("REFNUM")),
            "counterparty_name": name or None,
            "entry_text": memo or name or None,
            "type_code": values.get("TRNTYPE", "").upper() or None,
            "note": note,
        }

    def _balance(self, name: str, values: dict[str, str]) -> dict[str, str | None]:
        if not values.get("BALAMT"):
            raise UnreadableError("no amount (BALAMT)")
        as_of = values.get("DTASOF", "")
        return {
            "currency": self._currency(),
            "amount": any_amount(values["BALAMT"]),
            "balance_type": BALANCES[name],
            "booking_date": _day(as_of, "DTASOF")[0] if as_of.strip("0") else None,
            "type_code": name,
        }


def _day(text: str, what: str) -> tuple[str, str | None]:
    """The day of `YYYYMMDD[HHMMSS[.XXX]][offset:NAME]` as the bank wrote it: noon in its own zone is on that day."""
    found = DATE.match(text)
    if found is None:
        raise UnreadableError(f"{what} is {text!r}, no date YYYYMMDD")
    return long_date(int(found[1]), int(found[2]), int(found[3]), f"{what} {found[0]}")
