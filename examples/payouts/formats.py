"""The statement formats of the banks. Each writes the same statements in its own words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from examples.payouts.clock import calendar, iso
from examples.payouts.money import text
from examples.payouts.records import Entry
from examples.payouts.sink import Series, Text

if TYPE_CHECKING:
    from examples.payouts.bank import Bank, Statement


def words(entry: Entry) -> str:
    """The text of an entry as most banks print it."""
    if not entry.party:
        return entry.reference
    if entry.party == "ADYEN N.V.":
        return entry.reference
    if entry.party == "AMAZON":
        return f"AMAZON EDI PYMNTS {entry.reference}"
    if entry.party == "SQUARE INC":
        return f"SQUARE INC {calendar(entry.day):%y%m%d}P2"
    return f"{entry.party} TRANSFER {entry.reference}".rstrip()


class Format:
    """A format: how entries and statements are named, and how a statement is written."""

    name = ""

    def __init__(self, folder: Path, stem: str, start: int, length: int) -> None:
        self.files = Series(self.file_name, folder, start, length)
        self.stem = stem

    def file_name(self, first: int, last: int) -> str:
        """The name of the file of a period."""
        raise NotImplementedError

    def entry_id(self, day: int, number: int) -> str:
        """The bank's own reference of an entry."""
        return f"{iso(day)[2:].replace('-', '')}-{number:04d}"

    def statement_id(self, bank: Bank, statement: Statement) -> str:
        """What the file calls the statement."""
        return f"{bank.account}/{statement.number}"

    def write(self, bank: Bank, statement: Statement) -> str:
        """Write a statement; the name of its file."""
        raise NotImplementedError

    def finish(self) -> None:
        """Close the files."""
        self.files.close()


class Camt(Format):
    """CAMT.053: older files are of version 001.02, newer ones of 001.08."""

    name = "camt"

    def __init__(self, *given) -> None:
        super().__init__(*given)
        self.files.header = self._begin
        self._file: Text | None = None

    def file_name(self, first: int, last: int) -> str:
        return f"{self.stem}_{iso(first)}.xml"

    def _begin(self, number: int) -> str:
        self._version = "02" if number % 4 == 2 else "08"
        space = f"urn:iso:std:iso:20022:tech:xsd:camt.053.001.{self._version}"
        head = f"<GrpHdr><MsgId>{self.stem}-{number}</MsgId></GrpHdr>"
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{space}">\n<BkToCstmrStmt>{head}\n'

    def statement_id(self, bank: Bank, statement: Statement) -> str:
        return f"{self.stem}-{statement.number}"

    def write(self, bank: Bank, statement: Statement) -> str:
        if self._file is not None and self.files.span(statement.day) != self.files.period:
            self._file.write("</BkToCstmrStmt>\n</Document>\n")
        self._file = file = self.files.at(statement.day)
        money = bank.currency

        def balance(code: str, amount: int, day: int) -> str:
            side = "DBIT" if amount < 0 else "CRDT"
            return (
                f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
                f'<Amt Ccy="{money}">{text(abs(amount), money)}</Amt><CdtDbtInd>{side}</CdtDbtInd>'
                f"<Dt><Dt>{iso(day)}</Dt></Dt></Bal>\n"
            )

        parts = [
            f"<Stmt><Id>{self.statement_id(bank, statement)}</Id><ElctrncSeqNb>{statement.number}</ElctrncSeqNb>",
            f"<CreDtTm>{iso(statement.day)}T22:30:00</CreDtTm>\n",
            f"<Acct><Id><IBAN>{bank.account}</IBAN></Id><Ccy>{money}</Ccy></Acct>\n",
            balance("OPBD", statement.opening, bank.previous_day),
            balance("CLBD", statement.closing, statement.day),
            *(self._entry(entry, money, "BOOK", statement.day) for entry in statement.entries),
            *(self._entry(entry, money, "PDNG", statement.day) for entry in statement.pending),
            "</Stmt>\n",
        ]
        file.write("".join(parts))
        return self.files.files[-1].name

    def _entry(self, entry: Entry, money: str, status: str, day: int) -> str:
        side = "DBIT" if entry.amount < 0 else "CRDT"
        new = self._version == "08"
        state = f"<Cd>{status}</Cd>" if new else status
        reference = f"<AcctSvcrRef>{entry.id}</AcctSvcrRef>" if status == "BOOK" else ""
        shown = entry.reference.split(" ")[0] if entry.party else "NOTPROVIDED"
        name = f"<Nm>{escape(entry.party)}</Nm>" if entry.party else ""
        days = f"<BookgDt><Dt>{iso(day)}</Dt></BookgDt><ValDt><Dt>{iso(day)}</Dt></ValDt>"
        party = f"<RltdPties><Dbtr>{f'<Pty>{name}</Pty>' if new else name}</Dbtr></RltdPties>" if name else ""

        def detail(amount: int, end_to_end: str, who: str, told: str) -> str:
            shown_amount = f'<Amt Ccy="{money}">{text(abs(amount), money)}</Amt>'
            own = shown_amount if new else f"<AmtDtls><TxAmt>{shown_amount}</TxAmt></AmtDtls>"
            return (
                f"<TxDtls><Refs><EndToEndId>{escape(end_to_end)}</EndToEndId></Refs>{own if entry.beside else ''}{who}"
                f"<RmtInf><Ustrd>{escape(told)}</Ustrd></RmtInf></TxDtls>"
            )

        details = detail(entry.amount - entry.beside, shown or "NOTPROVIDED", party, words(entry))
        if entry.beside:
            details += detail(entry.beside, "NOTPROVIDED", "", "INVOICE OAK BOARDS")
        return (
            f'<Ntry><Amt Ccy="{money}">{text(abs(entry.amount), money)}</Amt><CdtDbtInd>{side}</CdtDbtInd>'
            f"<Sts>{state}</Sts>\n {days}{reference}\n <NtryDtls>{details}</NtryDtls></Ntry>\n"
        )

    def finish(self) -> None:
        if self._file is not None:
            self._file.write("</BkToCstmrStmt>\n</Document>\n")
        super().finish()


class Mt940(Format):
    """MT940. Every second file cuts its text into fields of 27 characters, as German banks do."""

    name = "mt940"

    def file_name(self, first: int, last: int) -> str:
        return f"{self.stem}_{iso(first)}.sta"

    def entry_id(self, day: int, number: int) -> str:
        return f"{calendar(day):%y%m%d}N{number:06d}"

    def statement_id(self, bank: Bank, statement: Statement) -> str:
        return f"STMT{calendar(statement.day):%y%m%d}"

    def write(self, bank: Bank, statement: Statement) -> str:
        file = self.files.at(statement.day)
        today, before = calendar(statement.day), calendar(bank.previous_day)
        money = bank.currency

        def balance(tag: str, amount: int, day: str) -> str:
            return f":{tag}:{'D' if amount < 0 else 'C'}{day}{money}{self._amount(amount, money)}\n"

        rows = [
            f":20:{self.statement_id(bank, statement)}\n:25:{bank.account}\n:28C:{statement.number}/1\n",
            balance("60F", statement.opening, f"{before:%y%m%d}"),
        ]
        for entry in statement.entries:
            mark = "D" if entry.amount < 0 else "C"
            kind = "NTRF" if entry.party else "NMSC"
            amount = self._amount(entry.amount, money)
            rows.append(f":61:{today:%y%m%d}{today:%m%d}{mark}{amount}{kind}NONREF//{entry.id}\n")
            rows.append(f":86:{self._details(entry)}\n")
        rows += [balance("62F", statement.closing, f"{today:%y%m%d}"), "-\n"]
        file.write("".join(rows))
        return self.files.files[-1].name

    @staticmethod
    def _amount(amount: int, money: str) -> str:
        shown = text(abs(amount), money, ",")
        return shown if "," in shown else shown + ","

    def _details(self, entry: Entry) -> str:
        shown = words(entry).upper()
        if self.files.number % 2:
            return f"/ORDP//NAME/{entry.party}/REMI/{shown}" if entry.party else shown
        pieces = [shown[at : at + 27] for at in range(0, len(shown), 27)]
        fields = "".join(f"?{20 + number}{piece}" for number, piece in enumerate(pieces))
        return f"166?00GUTSCHRIFT{fields}?32{entry.party}"


class Bai2(Format):
    """BAI2: a file a day; amounts without a mark, totals of every level."""

    name = "bai2"

    def file_name(self, first: int, last: int) -> str:
        return f"{self.stem}_{iso(first)}.bai"

    def entry_id(self, day: int, number: int) -> str:
        return f"B{iso(day)[2:].replace('-', '')}{number:05d}"

    def statement_id(self, bank: Bank, statement: Statement) -> str:
        return f"{statement.day}"

    def write(self, bank: Bank, statement: Statement) -> str:
        file = self.files.at(statement.day)
        today = f"{calendar(statement.day):%y%m%d}"
        credit, debit = statement.file_total
        credits = sum(1 for entry in statement.entries if entry.amount > 0)
        debits = len(statement.entries) - credits
        rows = [
            f"03,{bank.account},{bank.currency},010,{statement.opening},,,015,{statement.closing},,/",
            f"88,100,{credit},{credits},,400,{debit},{debits},/",
        ]
        total = statement.opening + statement.closing + credit + debit
        for entry in statement.entries:
            code = ("142" if entry.party else "195") if entry.amount > 0 else ("455" if entry.party else "699")
            rows.append(f"16,{code},{abs(entry.amount)},,{entry.id},,{words(entry)}/")
            total += abs(entry.amount)
        if statement.fault == "control_total":
            total += 700
        rows.append(f"49,{total},{len(rows) + 1}/")
        account = len(rows)
        file.write(
            f"01,021000021,HARBOURPINE,{today},2359,{statement.number},,,2/\n"
            f"02,HARBOURPINE,021000021,1,{today},2359,{bank.currency},2/\n"
            + "\n".join(rows)
            + f"\n98,{total},1,{account + 2}/\n99,{total},1,{account + 4}/\n"
        )
        return self.files.files[-1].name


class Ofx(Format):
    """OFX 1.x: SGML, with the ledger balance at the end of each file."""

    name = "ofx"

    def __init__(self, *given) -> None:
        super().__init__(*given)
        self._entries: list[tuple[int, Entry]] = []
        self._last: tuple[Bank, Statement] | None = None

    def file_name(self, first: int, last: int) -> str:
        return f"{self.stem}_{iso(first)}.ofx"

    def entry_id(self, day: int, number: int) -> str:
        return f"{iso(day).replace('-', '')}{number:05d}"

    def write(self, bank: Bank, statement: Statement) -> str:
        if self._last is not None and self.files.span(statement.day) != self.files.span(self._last[1].day):
            self._flush()
        self._entries += [(statement.day, entry) for entry in statement.entries]
        self._last = (bank, statement)
        return self.file_name(*self.files.span(statement.day))

    def _flush(self) -> None:
        if self._last is None:
            return
        bank, statement = self._last
        first, _last = self.files.span(statement.day)
        money = bank.currency
        rows = [
            (
                "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nSECURITY:NONE\nENCODING:USASCII\nCHARSET:1252\n"
                "COMPRESSION:NONE\nOLDFILEUID:NONE\nNEWFILEUID:NONE\n\n<OFX>\n<BANKMSGSRSV1><STMTTRNRS><TRNUID>1\n<STMTRS>"
                f"<CURDEF>{money}\n<BANKACCTFROM><BANKID>021000021<ACCTID>{bank.account}<ACCTTYPE>CHECKING</BANKACCTFROM>\n"
                f"<BANKTRANLIST><DTSTART>{iso(first).replace('-', '')}<DTEND>{iso(statement.day).replace('-', '')}\n"
            )
        ]
        for day, entry in self._entries:
            kind = "CREDIT" if entry.amount > 0 else "DEBIT"
            name = entry.party or "VARIOUS"
            rows.append(
                f"<STMTTRN><TRNTYPE>{kind}<DTPOSTED>{iso(day).replace('-', '')}120000[0:GMT]"
                f"<TRNAMT>{text(entry.amount, money)}<FITID>{entry.id}<NAME>{name[:32]}<MEMO>{words(entry)}</STMTTRN>\n"
            )
        rows.append(
            f"</BANKTRANLIST>\n<LEDGERBAL><BALAMT>{text(statement.closing, money)}"
            f"<DTASOF>{iso(statement.day).replace('-', '')}</LEDGERBAL>\n</STMTRS></STMTTRNRS></BANKMSGSRSV1>\n</OFX>\n"
        )
        self.files.at(statement.day).write("".join(rows))
        self._entries, self._last = [], None

    def finish(self) -> None:
        self._flush()
        super().finish()


class ChaseCsv(Format):
    """A bank of the United States: newest first, signed amounts, MM/DD/YYYY, a comma too many on every row."""

    name = "csv"

    def __init__(self, *given) -> None:
        super().__init__(*given)
        self._rows: list[str] = []
        self._day = 0
        self._balance: int | None = None

    def file_name(self, first: int, last: int) -> str:
        return f"{self.stem}_Activity_{iso(last).replace('-', '')}.CSV"

    def entry_id(self, day: int, number: int) -> str:
        return ""

    def write(self, bank: Bank, statement: Statement) -> str:
        if self._day and self.files.span(statement.day) != self.files.span(self._day):
            self._flush()
        self._day = statement.day
        balance = statement.opening
        for entry in statement.entries:
            balance += entry.amount
            self._rows.append(self.row(bank, entry, balance))
        return self.file_name(*self.files.span(statement.day))

    def row(self, bank: Bank, entry: Entry, balance: int) -> str:
        """One entry."""
        money = bank.currency
        side, kind = ("CREDIT", "ACH_CREDIT") if entry.amount > 0 else ("DEBIT", "ACH_DEBIT")
        shown = words(entry)
        if entry.party:
            reference = shown.rpartition(" ")[2] if entry.party == "SQUARE INC" else entry.reference
            shown = (
                f"ORIG CO NAME:{entry.party:<18}ORIG ID:1800948598 DESC DATE:{calendar(entry.day):%y%m%d} "
                f"CO ENTRY DESCR:TRANSFER  SEC:CCD IND ID:{reference}"
            )
        cells = [f"{calendar(entry.day):%m/%d/%Y}", f'"{shown}"', text(entry.amount, money), kind, text(balance, money)]
        return f"{side},{','.join(cells)},,\n"

    header = "Details,Posting Date,Description,Amount,Type,Balance,Check or Slip #\n"
    newest_first = True

    def _flush(self) -> None:
        if self._day:
            rows = reversed(self._rows) if self.newest_first else self._rows
            self.files.at(self._day).write(self.header + "".join(rows))
        self._rows, self._day = [], 0

    def finish(self) -> None:
        self._flush()
        super().finish()


class SparkasseCsv(ChaseCsv):
    """A German bank: semicolons, decimal comma, DD.MM.YYYY, every field in quotes."""

    newest_first = False
    columns = (
        "Auftragskonto;Buchungstag;Valutadatum;Buchungstext;Verwendungszweck;Beguenstigter/Zahlungspflichtiger;Betrag;"
        "Waehrung;Info"
    )
    header = ";".join(f'"{name}"' for name in columns.split(";")) + "\n"

    def file_name(self, first: int, last: int) -> str:
        return f"{iso(last).replace('-', '')}-{self.stem}-umsatz.CSV"

    def row(self, bank: Bank, entry: Entry, balance: int) -> str:
        money = bank.currency
        day = f"{calendar(entry.day):%d.%m.%Y}"
        kind = "GUTSCHR. UEBERWEISUNG" if entry.amount > 0 else "LASTSCHRIFT"
        amount = text(entry.amount, money, ",")
        cells = [bank.account, day, day, kind, words(entry), entry.party, amount, money, "Umsatz gebucht"]
        return ";".join(f'"{value}"' for value in cells) + "\n"


ALL = {"camt": Camt, "mt940": Mt940, "bai2": Bai2, "ofx": Ofx, "chase": ChaseCsv, "sparkasse": SparkasseCsv}
