"""CAMT.053 (ISO 20022 bank statement), versions 02 to 08 and those that keep their shape, in one stream.

Elements are known by their local names, because every version has a namespace of its own. A document type declaration
is refused, so that no entity can expand. XML that is not well-formed is refused as a whole: after its first fault
nothing in it can be trusted.
"""

import os
import re
from collections.abc import Callable
from typing import Any
from xml.parsers import expat

from orchestration.landing.errors import UnreadableFileError
from orchestration.landing.feeds import Feed
from orchestration.landing.readers._camt_rows import CamtRows, Found
from orchestration.landing.readers._statement import LONGEST_TEXT, Statements
from orchestration.landing.readers._values import UnreadableError
from orchestration.landing.reading import Reading, Target
from orchestration.landing.text import PlainText

HEAD = 1 << 16
CHUNK = 1 << 18
MOST_VALUES = 2000  # texts kept of one element with all that is in it
LONGEST_RAW = 1 << 16  # bytes of a reject's raw text
DEPTH = 64

ROOT = re.compile(rb"<(?![?!])(?:[\w.-]+:)?([\w.-]+)")
OTHERS = {b"BkToCstmrAcctRpt": "an intraday report (camt.052)", b"BkToCstmrDbtCdtNtfctn": "a notification (camt.054)"}
DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")

# The elements that become rows, each with the elements inside which it may stand ("" is the top).
CONTEXTS = {
    "Stmt": ("", "BkToCstmrStmt"),
    "Bal": ("Stmt",),
    "TxsSummry": ("Stmt",),
    "Ntry": ("", "Stmt"),
    "TxDtls": ("NtryDtls",),
}


def sniff(head: bytes) -> bool:
    """XML whose root is a camt document, or a part of one."""
    head = head[:HEAD]
    root = ROOT.search(head) if head.lstrip()[:1] == b"<" else None
    if root is None:
        return False
    inner = b"BkToCstmrStmt" in head or any(name in head for name in OTHERS)
    return root[1] in (b"BkToCstmrStmt", b"Stmt", b"Ntry") or (root[1] == b"Document" and inner)


def encoding(head: bytes) -> str | None:
    """What the XML declaration says."""
    found = DECLARED.match(head[:1024])
    return found[1].decode() if found else None


def read(plain: PlainText, feed: Feed, target: Target) -> Reading:
    """Read a document into rows. Raises `UnreadableFileError` for XML that is broken or no statement."""
    for name, what in OTHERS.items():
        if name in plain.head[:HEAD]:
            raise UnreadableFileError(
                what,
                "a statement (camt.053): what reports and notifications say of an entry, the statement says again",
                "deliver the camt.053 of the account",
            )
    with Statements("camt053", plain, feed, target) as rows, plain.path.open("rb") as handle:
        stream = _Stream(rows, plain, handle.fileno())
        handle.seek(plain.bom_bytes)
        try:
            while chunk := handle.read(CHUNK):
                stream.parser.Parse(chunk, False)
            stream.parser.Parse(b"", True)
        except expat.ExpatError as fault:
            raise UnreadableFileError(
                f"XML that is broken or cut short at line {fault.lineno}, column {fault.offset + 1} "
                f"({expat.ErrorString(fault.code)})",
                "a whole, well-formed XML document",
                "deliver the file again; the usual cause is an upload that broke off",
            ) from fault
        rows.rest_is_structure(plain.counts.lines)
    return rows.reading


class _Context:
    """One of `CONTEXTS` while it is open: the texts inside it, by their path from it."""

    __slots__ = ("depth", "first", "name", "offset", "values")

    def __init__(self, name: str, depth: int, first: int, offset: int) -> None:
        self.name, self.depth, self.first, self.offset = name, depth, first, offset
        self.values: Found = {}


class _Stream:
    """Expat's events as open contexts."""

    def __init__(self, rows: Statements, plain: PlainText, handle: int) -> None:
        self._rows, self._handle, self._bom = rows, handle, plain.bom_bytes
        self._camt = CamtRows(rows)
        self._path: list[str] = []  # the open elements
        self._contexts: list[_Context] = []
        self._count = 0  # values of the innermost context
        self._text: list[str] = []
        self._length = 0
        # What the declaration says of the encoding no longer holds: the text is UTF-8 by now.
        self.parser = expat.ParserCreate("utf-8")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.StartDoctypeDeclHandler = self._refuse

    def _refuse(self, *_: Any) -> None:
        raise UnreadableFileError(
            "XML with a document type declaration",
            "a bank statement, which has none; entities that it could declare are not expanded",
            "deliver the file as the bank made it",
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        path = self._path
        if len(path) >= DEPTH:
            raise UnreadableFileError(f"XML of more than {DEPTH} levels", "a bank statement", "deliver another file")
        if name in CONTEXTS and (path[-1] if path else "") in CONTEXTS[name]:
            place = self.parser.CurrentByteIndex
            self._contexts.append(_Context(name, len(path) + 1, self.parser.CurrentLineNumber, place))
            if name not in ("Stmt", "TxDtls"):
                self._camt.begin(self._contexts[0].values)
        elif attributes and self._contexts and "Ccy" in attributes:
            self._keep(self._contexts[-1], [*path[self._contexts[-1].depth :], name], "@Ccy", attributes["Ccy"])
        path.append(name)
        self._text = []
        self._length = 0

    def _characters(self, text: str) -> None:
        if self._contexts and self._length < LONGEST_TEXT:
            self._text.append(text)
            self._length += len(text)

    def _end(self, _: str) -> None:
        path = self._path
        context = self._contexts[-1] if self._contexts else None
        if context is not None and len(path) == context.depth:
            self._contexts.pop()
            self._leave(context)
        elif context is not None and self._text:
            text = "".join(self._text).strip()
            if text:
                self._keep(context, path[context.depth :], "", text[:LONGEST_TEXT])
        path.pop()
        self._text = []

    @staticmethod
    def _keep(context: _Context, path: list[str], suffix: str, text: str) -> None:
        values = context.values
        if len(values) < MOST_VALUES:
            kept = values.setdefault("/".join(path) + suffix, [])
            if len(kept) < MOST_VALUES:
                kept.append(text)

    def _leave(self, context: _Context) -> None:
        first, last = context.first, self.parser.CurrentLineNumber
        make: dict[str, Callable[[Found, int], None]] = {
            "Bal": self._camt.balance,
            "TxsSummry": self._camt.summary,
            "Ntry": self._camt.entry,
        }
        if context.name == "Stmt":
            self._camt.end(context.values)
        elif context.name == "TxDtls":
            self._camt.detail(context.values)
        else:
            lines = self._rows.claim(first, last)
            try:
                make[context.name](context.values, lines)
            except UnreadableError as fault:
                self._rows.reject(first, last - first + 1, str(fault), self._raw(context.offset), lines)

    def _raw(self, start: int) -> str:
        """The source text of the element that ends here."""
        end = self.parser.CurrentByteIndex
        text = os.pread(self._handle, min(end - start, LONGEST_RAW), start + self._bom).decode("utf-8", "replace")
        return text + ("" if end - start <= LONGEST_RAW else " ...")
