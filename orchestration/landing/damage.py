"""Bytes that are no UTF-8 in a text that otherwise is: which text that is, and how such a line is kept and told.

A file whose bytes are not all valid UTF-8 is one of two things: UTF-8 with some damage, or a text in another encoding.
Its multi-byte sequences tell: an é of UTF-8 is a pair of bytes that another encoding hardly ever puts side by side
(cp1252 would have to mean `Ã©`), so

* one valid sequence among at most `OUTWEIGHED` invalid bytes makes the file UTF-8, and the lines with invalid bytes are
  rejects;
* without any the file is in the next declared encoding.

A long cp1252 text does hold a valid pair now and then (`ß“` ends many a German quotation), which is why sequences are
weighed and not merely looked for. The two ways to be wrong are not alike: text read as cp1252 by mistake is garbled
without a word, lines rejected by mistake are all named. Hence the low weight.
"""

import codecs
from pathlib import Path

from orchestration.landing.engine import literal
from orchestration.landing.errors import UnreadableFileError

OUTWEIGHED = 100  # invalid bytes for each valid sequence, beyond which the sequences are taken for chance
CHUNK = 4 << 20

# Inside the engine, which takes only UTF-8, an invalid byte b travels as the private-use character U+10FE00 + b.
FIRST = 0x10FE00
PRIVATE = (b"\xf4\x8f\xba", b"\xf4\x8f\xbb")  # how the UTF-8 of these characters begins
MARKS = f"{chr(FIRST + 0x80)}-{chr(FIRST + 0xFF)}"


def is_damaged_utf8(path: Path) -> bool:
    """Whether a file that is not valid UTF-8 is UTF-8 all the same, with damage."""
    decoder = codecs.getincrementaldecoder("utf-8")("ignore")
    size = kept = sequences = 0
    with path.open("rb") as handle:
        while True:
            chunk = handle.read(CHUNK)
            text = decoder.decode(chunk, final=not chunk)
            size += len(chunk)
            kept += len(text.encode("utf-8"))
            sequences += len(text) - len(text.encode("ascii", "ignore"))
            if not chunk:
                return sequences > 0 and size - kept <= OUTWEIGHED * sequences


def _as_marks(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return "".join(chr(FIRST + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error("tieout.marks", _as_marks)


def mark(block: bytes) -> bytes:
    """A block of whole lines as valid UTF-8, its invalid bytes as marks.

    Raises `UnreadableFileError` where the text itself holds such a character: the two could not be told apart.
    """
    if block.isascii():
        return block
    if any(sign in block for sign in PRIVATE):
        raise UnreadableFileError(
            f"damaged UTF-8 that also holds private-use characters of U+{FIRST + 0x80:X} to U+{FIRST + 0xFF:X}",
            "text in one encoding from the first byte to the last",
            "deliver the file in valid UTF-8",
        )
    return block.decode("utf-8", "tieout.marks").encode("utf-8")


def reason(position: int, byte: int) -> str:
    """Why a record is a reject whose byte at `position` (from 1) is invalid."""
    return f"not valid UTF-8 at byte {position} of the record (0x{byte:02X})"


def has_marks(text: str) -> str:
    """SQL: whether a text holds an invalid byte."""
    return f"regexp_matches({text}, {literal(f'[{MARKS}]')})"


def reason_sql(text: str) -> str:
    """SQL: `reason` of a text with marks."""
    before = f"regexp_extract({text}, {literal(f'^[^{MARKS}]*')})"
    byte = f"unicode(substr({text}, length({before}) + 1, 1)) - {FIRST}"
    return f"format('not valid UTF-8 at byte {{}} of the record (0x{{:02X}})', strlen({before}) + 1, {byte})"


def shown_sql(text: str) -> str:
    r"""SQL: a text with every invalid byte as `\x` and two hex digits."""
    parts = f"regexp_extract_all({text}, {literal(f'[^{MARKS}]+|[{MARKS}]')})"
    byte = f"case when {has_marks('part')} then format('\\x{{:02x}}', unicode(part) - {FIRST}) else part end"
    return f"array_to_string(list_transform({parts}, lambda part: {byte}), '')"
