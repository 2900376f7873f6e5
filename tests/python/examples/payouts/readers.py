"""Small readers of the example files, on purpose unlike the writers: decimals, regular expressions, XML."""

import csv
import io
import re
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

Rows = list[dict[str, str]]
ZERO = Decimal(0)


def decoded(path: Path) -> str:
    """A file's text, whatever its byte order mark says."""
    raw = path.read_bytes()
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16")
    return raw.decode("utf-8-sig")


def table(path: Path, delimiter: str = ",") -> Rows:
    """The records of a CSV by their headers."""
    lines = list(csv.reader(io.StringIO(decoded(path), newline=""), delimiter=delimiter))
    assert all(len(line) == len(lines[0]) for line in lines), path
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


def amount(text: str) -> Decimal:
    """An amount, with or without a dollar sign; nothing is 0."""
    return Decimal(text.replace("$", "")) if text else ZERO


@dataclass
class Statement:
    """What a bank's statement says; entries as (id, signed amount, text)."""

    account: str
    name: str
    number: int
    opening: Decimal
    closing: Decimal
    entries: list[tuple[str, Decimal, str]] = field(default_factory=list)
    file: str = ""
    totals: list[tuple[Decimal, Decimal]] = field(default_factory=list)
    pending: list[tuple[str, Decimal, str]] = field(default_factory=list)

    @property
    def adds_up(self) -> bool:
        return self.opening + sum(entry[1] for entry in self.entries) == self.closing


def camt(path: Path) -> Iterator[Statement]:
    root = ET.fromstring(path.read_bytes())
    for element in root.iter():
        element.tag = element.tag.partition("}")[2]
    for stmt in root.iter("Stmt"):
        balances = {}
        for bal in stmt.findall("Bal"):
            sign = -1 if bal.findtext("CdtDbtInd") == "DBIT" else 1
            balances[bal.findtext("Tp/CdOrPrtry/Cd")] = sign * amount(bal.findtext("Amt"))
        found = Statement(
            stmt.findtext("Acct/Id/IBAN"),
            stmt.findtext("Id"),
            int(stmt.findtext("ElctrncSeqNb")),
            balances["OPBD"],
            balances["CLBD"],
            file=path.name,
        )
        for entry in stmt.findall("Ntry"):
            sign = -1 if entry.findtext("CdtDbtInd") == "DBIT" else 1
            status = entry.findtext("Sts/Cd") or entry.findtext("Sts")
            whole = amount(entry.findtext("Amt"))
            details = entry.findall("NtryDtls/TxDtls")
            parts = [amount(one.findtext("Amt") or one.findtext("AmtDtls/TxAmt/Amt") or "") for one in details[1:]]
            parts.insert(0, whole - sum(parts))
            for number, (one, part) in enumerate(zip(details, parts, strict=True), 1):
                reference = (entry.findtext("AcctSvcrRef") or "") + (f"#{number}" if number > 1 else "")
                row = (reference, sign * part, one.findtext("RmtInf/Ustrd"))
                (found.entries if status == "BOOK" else found.pending).append(row)
        yield found


def mt940(path: Path) -> Iterator[Statement]:
    def money(text: str) -> Decimal:
        sign = -1 if text[0] == "D" else 1
        return sign * Decimal(text[10:].replace(",", "."))

    for block in decoded(path).split("\n-\n"):
        tags = re.findall(r"^:(\w+):(.*)$", block, re.MULTILINE)
        if not tags:
            continue
        first = dict(tags)
        found = Statement(
            first["25"], first["20"], int(first["28C"].split("/")[0]), money(first["60F"]), money(first["62F"])
        )
        found.file = path.name
        for (tag, text), (_, details) in zip(tags, [*tags[1:], ("", "")], strict=True):
            if tag == "61":
                mark, digits, reference = re.fullmatch(r"\d{10}([CD])([\d,]+)N\w{3}NONREF//(.*)", text).groups()
                value = Decimal(digits.replace(",", "."))
                found.entries.append((reference, -value if mark == "D" else value, re.sub(r"\?\d\d", "", details)))
        yield found


def bai2(path: Path) -> Iterator[Statement]:
    lines = [line.rstrip("/").split(",") for line in decoded(path).splitlines()]
    total, found, count = ZERO, None, 0
    for number, cells in enumerate(lines, 1):
        if cells[0] == "03":
            assert cells[2] == "USD"
            found = Statement(
                cells[1], "", int(lines[0][5]), Decimal(cells[4]) / 100, Decimal(cells[8]) / 100, file=path.name
            )
            total, count = Decimal(cells[4]) + Decimal(cells[8]), 1
        elif cells[0] == "88":
            total += Decimal(cells[2]) + Decimal(cells[6])
            count += 1
        elif cells[0] == "16":
            sign = 1 if int(cells[1]) < 400 else -1
            found.entries.append((cells[4], sign * Decimal(cells[2]) / 100, cells[6]))
            total += Decimal(cells[2])
            count += 1
        elif cells[0] == "49":
            assert int(cells[2]) == count + 1
            found.totals.append((Decimal(cells[1]), total))
            stated = Decimal(cells[1])
        elif cells[0] == "98":
            assert Decimal(cells[1]) == stated
            assert int(cells[3]) == number - 1
        elif cells[0] == "99":
            assert Decimal(cells[1]) == stated
            assert int(cells[3]) == number == len(lines)
    yield found


def ofx(path: Path) -> tuple[list[tuple[str, Decimal, str]], Decimal]:
    """The entries and the ledger balance."""
    text = decoded(path)
    rows = re.findall(r"<TRNAMT>([-\d.]+)<FITID>(\d+)<NAME>[^<]*<MEMO>([^<]*)</STMTTRN>", text)
    assert len(rows) == text.count("<STMTTRN>")
    return [(id_, Decimal(value), memo) for value, id_, memo in rows], Decimal(re.search(r"<BALAMT>([-\d.]+)", text)[1])


def stl(path: Path) -> tuple[list[dict[str, str]], dict[str, list[str]]]:
    """The body rows of a PayPal settlement report, and its footers by currency."""
    body, footers, names = [], {}, []
    for cells in csv.reader(io.StringIO(decoded(path))):
        if cells[0] == "CH":
            names = cells[1:]
        elif cells[0] == "SB":
            body.append(dict(zip(names, cells[1:], strict=True)))
        elif cells[0] == "SF":
            footers[cells[1]] = cells[2:]
        elif cells[0] == "RF":
            assert footers[cells[1]] == cells[2:]
    return body, footers


def signed(row: dict[str, str], side: str, value: str) -> int:
    """Digits with their CR or DR mark."""
    digits = int(row[value] or 0)
    return digits if row[side] == "CR" else -digits


def grouped(rows: Rows, key: str, value: str) -> dict[str, Decimal]:
    """Sums by a column."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[row[key]] += amount(row[value])
    return dict(sums)
