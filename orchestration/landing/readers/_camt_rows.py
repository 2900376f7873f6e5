"""From the texts of a CAMT statement, balance or entry to rows of the feed `bank/statement`."""

import re
from collections.abc import Callable
from decimal import Decimal, Inexact, localcontext

from orchestration.landing.readers._statement import Statements, nothing
from orchestration.landing.readers._values import EXPONENTS, UnreadableError, plain_amount

Found = dict[str, list[str]]  # the texts of an element by the path of where they stand in it

BALANCES = {
    "OPBD": "OPENING",
    "PRCD": "OPENING",
    "CLBD": "CLOSING",
    "ITBD": "INTERIM",
    "OPAV": "OPENING_AVAILABLE",
    "CLAV": "AVAILABLE",
    "FWAV": "FORWARD",
    "ITAV": "INTERIM_AVAILABLE",
}
DIRECTIONS = {"CRDT": "C", "DBIT": "D"}
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9])")
MOST_DETAILS = 2000  # transactions of one entry that are kept; one with more of them stays whole
MOST_TEXTS = 50  # transactions whose texts tell of an entry that stays whole, and texts of each
PARTIES = ("Dbtr", "Cdtr")
TELLING = frozenset(
    [
        *("RmtInf/Ustrd", "RmtInf/Strd/CdtrRefInf/Ref", "AddtlTxInf"),
        *(f"Refs/{name}" for name in ("AcctSvcrRef", "InstrId", "TxId", "EndToEndId")),
    ]
)
# What is read of a transaction; of a booking of many nothing else is kept.
READ = TELLING | frozenset(
    [
        *("Amt", "Amt@Ccy", "AmtDtls/TxAmt/Amt", "AmtDtls/TxAmt/Amt@Ccy", "CdtDbtInd"),
        *("RtrInf/Rsn/Cd", "RtrInf/Rsn/Prtry"),
        *(f"RltdPties/{party}/{name}" for party in PARTIES for name in ("Pty/Nm", "Nm")),
        *(f"RltdPties/{party}Acct/Id/{name}" for party in PARTIES for name in ("IBAN", "Othr/Id")),
    ]
)
WORD = re.compile(r"\w+(?:[-/]\w+)*")
PIECE = re.compile(r"\w+")


def first(values: Found, *paths: str) -> str | None:
    """The first text at the first of these paths that has one."""
    for path in paths:
        if path in values:
            return values[path][0]
    return None


class CamtRows:
    """Writes the rows of one document."""

    def __init__(self, rows: Statements) -> None:
        self._rows = rows
        self._open = False
        self._details: list[Found] = []
        self._count = 0  # details of the entry
        self._sums = {"C": Decimal(0), "D": Decimal(0)}
        self._counts = {"C": 0, "D": 0}
        self._summary: tuple[Found, int] | None = None
        self._opening = False
        self._currency: str | None = None
        self._is_page = self._is_last = False

    def begin(self, head: Found) -> None:
        """Write the row of the statement with what is known of it, once its first other row comes."""
        if self._open:
            return
        self._open = True
        self._sums, self._counts = {"C": Decimal(0), "D": Decimal(0)}, {"C": 0, "D": 0}
        self._summary, self._opening = None, False
        number = first(head, "ElctrncSeqNb", "LglSeqNb")
        page = first(head, "StmtPgntn/PgNb")
        self._is_page = page is not None
        self._is_last = first(head, "StmtPgntn/LastPgInd") in ("true", "1")
        copy = first(head, "CpyDplctInd")
        self._rows.begin(
            account=first(head, "Acct/Id/IBAN", "Acct/Id/Othr/Id"),
            statement_id=first(head, "Id"),
            statement_number=number if number and number.isdigit() and len(number) <= 18 else None,
            page_number=page if page and page.isdigit() and len(page) <= 9 else None,
        )
        self._rows.row(
            "statement",
            {
                "currency": first(head, "Acct/Ccy"),
                "booking_date": _day(first(head, "FrToDt/ToDtTm", "FrToDt/ToDt", "CreDtTm")),
                "note": f"marked {copy}" if copy else None,
            },
            0,
        )

    def end(self, head: Found) -> None:
        """The statement is over: what it says of its own entries can be held against them."""
        self.begin(head)
        self._open = False
        if self._summary is None:
            return
        values, lines = self._summary
        for name, marks in (("TtlNtries", ("C", "D")), ("TtlCdtNtries", ("C",)), ("TtlDbtNtries", ("D",))):
            claimed = first(values, f"{name}/NbOfNtries")
            amount = first(values, f"{name}/Sum")
            if claimed is None and amount is None:
                continue
            counted = sum((self._sums[mark] for mark in marks), Decimal(0))
            self._rows.row(
                "total",
                {
                    "balance_type": {"C": "CREDITS", "D": "DEBITS"}[marks[0]] if len(marks) == 1 else "ENTRIES",
                    "currency": self._currency,
                    "amount": amount,
                    "counted_amount": f"{counted:f}" if amount is not None else None,
                    "item_count": claimed,
                    "counted_items": str(sum(self._counts[mark] for mark in marks)) if claimed else None,
                    "type_code": name,
                },
                lines,
            )
            lines = 0
        self._rows.header(lines)

    def summary(self, values: Found, lines: int) -> None:
        """What the statement says of its entries; kept until they have come."""
        self._summary = (values, lines)

    def balance(self, values: Found, lines: int) -> None:
        code = first(values, "Tp/CdOrPrtry/Cd", "Tp/CdOrPrtry/Prtry") or ""
        kind = BALANCES.get(code, code or None)
        amount, direction = _amount(values)
        self._currency = first(values, "Amt@Ccy")
        if kind == "INTERIM" and self._is_page:
            # What one page ends with, the next begins with.
            kind = "OPENING" if not self._opening else kind if self._is_last else "CLOSING"
        if kind == "OPENING" and self._opening:
            kind = "OPENING_OTHER"  # a bank may give both PRCD and OPBD
        self._opening = self._opening or kind == "OPENING"
        self._rows.row(
            "balance",
            {
                "currency": self._currency,
                "amount": amount,
                "direction": direction,
                "balance_type": kind,
                "booking_date": _day(first(values, "Dt/Dt", "Dt/DtTm")),
                "type_code": code or None,
            },
            lines,
        )

    def detail(self, values: Found) -> None:
        """One transaction of an entry; all of them together say what it was."""
        self._count += 1
        if self._count <= MOST_DETAILS:
            self._details.append({path: texts[:MOST_TEXTS] for path, texts in values.items() if path in READ})
        else:
            del self._details[MOST_TEXTS:]

    def entry(self, values: Found, lines: int) -> None:
        """One row, or one for each of its transactions where they make up the entry to the cent."""
        details, count = self._details, self._count
        self._details, self._count = [], 0
        amount, direction = _amount(values)
        status = first(values, "Sts/Cd", "Sts/Prtry", "Sts")
        if status in (None, "BOOK"):
            self._sums[direction] += Decimal(amount)
            self._counts[direction] += 1
        whole = {
            "currency": first(values, "Amt@Ccy"),
            "is_reversal": "true" if _is_reversal(values) else None,
            "status": status or "BOOK",
            "booking_date": _day(first(values, "BookgDt/Dt", "BookgDt/DtTm")),
            "value_date": _day(first(values, "ValDt/Dt", "ValDt/DtTm")),
        }
        parts = _parts(values, details) if 1 < count <= MOST_DETAILS else None
        if parts is None:
            note = f"{count} transactions" if count > 1 else None
            single = details[0] if count == 1 else {}
            told = _told(values, single, direction, _texts(details, first(values, "AddtlNtryInf")), note)
            # Already the direction of the booking, of a reversal too.
            self._rows.row("entry", {**whole, "amount": amount, "direction": direction, **told}, lines)
            return
        told_of_parts = _shared_out(first(values, "AddtlNtryInf") or "", details)
        for place, ((detail, part, mark), told_of_part) in enumerate(zip(parts, told_of_parts, strict=True), 1):
            note = f"transaction {place} of {count} of one booking of {amount}"
            text = _texts([detail], told_of_part)
            told = _told(values, detail, mark, text, note)
            # What the bank calls the transaction tells it from the others; what it calls the booking does not.
            told["bank_ref"] = nothing(first(detail, "Refs/AcctSvcrRef")) or told["bank_ref"]
            self._rows.row("entry", {**whole, "amount": part, "direction": mark, **told}, lines if place == 1 else 0)


def _is_reversal(entry: Found) -> bool:
    return first(entry, "RvslInd") in ("true", "1")


def _told(entry: Found, detail: Found, direction: str, text: str | None, note: str | None) -> dict[str, str | None]:
    """What an entry and one of its transactions say of where the money came from."""
    returned = first(detail, "RtrInf/Rsn/Cd", "RtrInf/Rsn/Prtry")
    # The parties of a reversal are those of the booking that it undoes.
    party = "Dbtr" if (direction == "C") != _is_reversal(entry) else "Cdtr"
    notes = [note, f"returned: {returned}" if returned else None]
    return {
        "bank_ref": nothing(first(entry, "AcctSvcrRef") or first(detail, "Refs/AcctSvcrRef")),
        "customer_ref": nothing(first(entry, "NtryRef")) or nothing(first(detail, "Refs/InstrId", "Refs/TxId")),
        "end_to_end_id": nothing(first(detail, "Refs/EndToEndId")),
        "counterparty_name": first(detail, f"RltdPties/{party}/Pty/Nm", f"RltdPties/{party}/Nm"),
        "counterparty_account": first(detail, f"RltdPties/{party}Acct/Id/IBAN", f"RltdPties/{party}Acct/Id/Othr/Id"),
        "entry_text": text,
        "type_code": _type_code(entry),
        "note": "; ".join(filter(None, notes)) or None,
    }


def _parts(entry: Found, details: list[Found]) -> list[tuple[Found, str, str]] | None:
    """The transactions of an entry with amount and direction of each; None unless each has an amount in the entry's
    currency and they make up the entry exactly. A bank may net its charges, or withhold what it knows of some.
    """
    amount, direction = _amount(entry)
    currency = first(entry, "Amt@Ccy")
    parts = []
    for detail in details:
        path = next((path for path in ("Amt", "AmtDtls/TxAmt/Amt") if path in detail), None)
        mark = DIRECTIONS.get(first(detail, "CdtDbtInd") or "") if "CdtDbtInd" in detail else direction
        if path is None or mark is None or first(detail, f"{path}@Ccy") != currency:
            return None
        try:
            part = plain_amount(detail[path][0], signed=False)
        except UnreadableError:
            return None
        # No money moves, or less of it than there is: it would be refused alone, and its booking is good.
        decimals = len(part.partition(".")[2].rstrip("0"))
        if not part.strip("0.") or decimals > EXPONENTS.get((currency or "").upper(), 2):
            return None
        parts.append((detail, part, mark))
    with localcontext() as exact:
        exact.traps[Inexact] = True
        try:
            total = sum((Decimal(part) if mark == direction else -Decimal(part) for _, part, mark in parts), Decimal(0))
        except Inexact:
            return None
    return parts if total == Decimal(amount) else None


def _shared_out(text: str, details: list[Found]) -> list[str]:
    """What the text of an entry says of each of its transactions: all but the words with a number in them, such as the
    reference of a payout, that others of them have among their own and it has not.
    """
    numbered = {word: _numbers(word) for word in WORD.findall(text)}
    wanted = set().union(*numbered.values())
    if not wanted:
        return [text] * len(details)
    own = [
        wanted & _numbers(" ".join(told for path, texts in detail.items() if path in TELLING for told in texts))
        for detail in details
    ]
    theirs = set().union(*own)
    foreign = [{word for word, numbers in numbered.items() if numbers & (theirs - held)} for held in own]
    return [WORD.sub(_all_but(words), text) for words in foreign]


def _numbers(text: str) -> set[str]:
    """The pieces of a text that have a digit, in capitals."""
    return {piece for piece in PIECE.findall(text.upper()) if any(map(str.isdigit, piece))}


def _all_but(words: set[str]) -> Callable[[re.Match[str]], str]:
    return lambda found: "" if found[0] in words else found[0]


def _amount(values: Found) -> tuple[str, str]:
    amount, mark = first(values, "Amt"), first(values, "CdtDbtInd")
    if amount is None:
        raise UnreadableError("no amount (Amt)")
    if mark not in DIRECTIONS:
        raise UnreadableError(f"CdtDbtInd is {mark or 'missing'}, neither CRDT nor DBIT")
    return plain_amount(amount, signed=False), DIRECTIONS[mark]


def _day(text: str | None) -> str | None:
    """The day of a date or time as the bank wrote it, whatever its offset; other texts as they are."""
    found = DATE.match(text) if text else None
    return found[0] if found else text


def _texts(details: list[Found], further: str | None) -> str | None:
    texts: list[str] = []
    for values in details[:MOST_TEXTS]:
        texts += values.get("RmtInf/Ustrd", [])
        texts += values.get("RmtInf/Strd/CdtrRefInf/Ref", [])
        texts += [] if "RmtInf/Ustrd" in values else values.get("AddtlTxInf", [])
        if len(details) > 1:
            texts += [text for text in values.get("Refs/EndToEndId", []) if nothing(text)]
    texts += [further] if further else []
    return " ".join(" ".join(dict.fromkeys(texts)).split()) or None


def _type_code(values: Found) -> str | None:
    parts = [first(values, f"BkTxCd/Domn/{path}") for path in ("Cd", "Fmly/Cd", "Fmly/SubFmlyCd")]
    return "/".join(part for part in parts if part) or first(values, "BkTxCd/Prtry/Cd")
