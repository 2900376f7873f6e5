"""The physical lines of a text, one at a time, with what is wrong with their bytes."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from orchestration.landing.damage import FIRST, MARKS, mark, reason
from orchestration.landing.lines import line_blocks
from orchestration.landing.text import PlainText

CHUNK = 1 << 20
LONGEST_LINE = 16 << 20  # bytes; a format of lines has none that is nearly as long
NUL = "NUL character"

_BAD = re.compile(f"[\0{MARKS}]")
_INVALID = re.compile(f"[{MARKS}]")


class Line(NamedTuple):
    """A physical line: its number from 1, its text without the line end, and why it cannot be used (None where all is
    well).
    """

    number: int
    text: str
    fault: str | None

    @property
    def shown(self) -> str:
        r"""The text as it is shown in a reject: a byte that is no UTF-8 as `\x` and two hex digits."""
        return _INVALID.sub(lambda found: f"\\x{ord(found[0]) - FIRST:02x}", self.text) if self.fault else self.text


def text_lines(plain: PlainText) -> Iterator[Line]:
    """Every physical line of a text; LF, CRLF and CR end one. Holds about a megabyte of them at a time.

    Raises `UnreadableFileError` for a line longer than `LONGEST_LINE`.
    """
    has_cr, damaged = plain.counts.cr > 0, not plain.counts.is_utf8
    suspect = damaged or plain.counts.nul > 0
    number = 0
    for block in line_blocks(plain, has_cr, CHUNK, LONGEST_LINE):
        text = (mark(block) if damaged else block).decode("utf-8")
        for body in text.split("\n"):
            number += 1
            if has_cr:
                body = body.rstrip("\r")
            yield Line(number, body, _fault(body) if suspect else None)


def _fault(text: str) -> str | None:
    found = _BAD.search(text)
    if found is None:
        return None
    invalid = _INVALID.search(text)
    if invalid is None:
        return NUL
    return reason(len(text[: invalid.start()].encode("utf-8")) + 1, ord(invalid[0]) - FIRST)
