"""Copies of a text in a shape that the readers of CSV know: without a preamble, with lines of one length.

Both keep every other byte, and the second every line end, so that what is counted of the copy can be held against the
delivered file.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.landing.digest import TextCounts
from orchestration.landing.header import HeaderMap
from orchestration.landing.lines import line_blocks
from orchestration.landing.text import CHUNK, PlainText

BLOCK = 1 << 20
LF, QUOTE = b'\n"'


def without_first_lines(plain: PlainText, lines: int, work_dir: Path) -> PlainText:
    """The text below its first lines, which must lie within the first bytes that are known of it."""
    start = plain.bom_bytes + _end_of_lines(plain.head, lines)
    return _written(plain, work_dir / "body", _chunks(plain.path, start))


def _end_of_lines(head: bytes, lines: int) -> int:
    """Where the line after so many begins; LF, CRLF and CR end one."""
    at = 0
    for _ in range(lines):
        lf, cr = head.find(b"\n", at), head.find(b"\r", at)
        if lf < 0 and cr < 0:
            return len(head)
        at = lf + 1 if cr < 0 or -1 < lf < cr else cr + 1 + (head[cr + 1 : cr + 2] == b"\n")
    return at


def fewest_fields(header: HeaderMap, required: Sequence[str]) -> int:
    """How many fields a record must have at least where lines may stop early: up to the last required column."""
    positions = [position for name, position in header.sources if name in required and position is not None]
    return max(positions, default=0) + 1


def even_out(plain: PlainText, delimiter: str, fields: int, least: int, work_dir: Path) -> PlainText | None:
    """A text in which each line below its header of at least `least` fields has all of them: what is missing at its end
    is added empty, what is empty beyond is taken away. Other lines stay as they are. The text itself where nothing is
    to do; None for a text that this cannot be told of (damaged UTF-8, a quote that no other one on its line closes).
    """
    if not plain.counts.is_utf8:
        return None
    changes = 0

    def blocks() -> Iterator[bytes]:
        nonlocal changes
        end = b"\r\n" if plain.counts.cr else b"\n"
        joint = b""
        for block in line_blocks(plain, has_cr=False, chunk_bytes=BLOCK):
            tail = b"\r" if end == b"\r\n" and block.endswith(b"\r") else b""
            even, changed = _even_block(block.removesuffix(tail), end, delimiter, fields, least, header=not joint)
            changes += changed
            yield joint + even + tail
            joint = b"\n"
        if _last_byte(plain.path) == b"\n":
            yield b"\n"

    try:
        even = _written(plain, work_dir / "even", blocks())
    except _OverLinesError:
        return None
    return even if changes and even.counts.lines == plain.counts.lines else plain if not changes else None


class _OverLinesError(Exception):
    """A quote is left open at a line's end: where the next record begins is not the line's to say."""


def _even_block(block: bytes, end: bytes, delimiter: str, fields: int, least: int, header: bool) -> tuple[bytes, bool]:
    """A block of lines made even, and whether it was not; `header`: its first line is the header.

    Raises `_OverLinesError` where a line's quotes do not pair up.
    """
    wanted = fields - 1
    found = pa.array(_delimiters_of_lines(block, delimiter))
    lines = pc.split_pattern(pa.array([block], pa.large_string()), end.decode()).flatten()
    uneven = pc.not_equal(found, wanted)
    blanks = "".join(c for c in " \t" if c != delimiter)
    uneven = pc.and_(uneven, pc.not_equal(pc.utf8_length(pc.utf8_trim(lines, blanks)), 0))
    if header:
        uneven = pc.and_(uneven, pc.not_equal(pa.array(range(len(lines)), pa.int64()), 0))
    if not pc.any(uneven).as_py():
        return block, False
    # Beyond the last column only empty fields may go: all at the line's end go, and those that are due come back.
    bare = pc.if_else(pc.greater(found, wanted), pc.utf8_rtrim(lines, delimiter), lines)
    gone = pc.subtract(pc.cast(pc.binary_length(lines), pa.int64()), pc.cast(pc.binary_length(bare), pa.int64()))
    missing = pc.add(pc.subtract(pa.scalar(wanted, pa.int64()), found), gone)
    fits = pc.and_(pc.and_(uneven, pc.greater_equal(found, least - 1)), pc.greater_equal(missing, 0))
    fill = pc.binary_repeat(pa.scalar(delimiter, pa.large_string()), pc.if_else(fits, missing, 0))
    even = pc.if_else(fits, pc.binary_join_element_wise(bare, fill, pa.scalar("", pa.large_string())), lines)
    whole = pc.binary_join(pa.ListArray.from_arrays([0, len(even)], even), pa.scalar(end.decode(), pa.large_string()))
    return whole[0].as_buffer().to_pybytes(), pc.any(fits).as_py()


def _delimiters_of_lines(block: bytes, delimiter: str) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """How many delimiters stand outside of quotes in each line of a block.

    Quotes pair up from the left, doubled ones too: a delimiter stands outside where their number before it is even. A
    quote that is astray makes a line of another length here than it is; the reader of the copy comes upon it all the
    same. Raises `_OverLinesError` where a line's quotes do not pair up.
    """
    values = np.frombuffer(block, np.uint8)
    ends = np.append(np.flatnonzero(values == LF), len(block))
    delimiters = np.flatnonzero(values == ord(delimiter))
    quotes = np.flatnonzero(values == QUOTE)
    if len(quotes):
        if (np.searchsorted(quotes, ends) & 1).any():
            raise _OverLinesError
        delimiters = delimiters[np.searchsorted(quotes, delimiters) & 1 == 0]
    return np.diff(np.searchsorted(delimiters, ends), prepend=0)


def _last_byte(path: Path) -> bytes:
    with path.open("rb") as handle:
        handle.seek(-1, 2)
        return handle.read(1)


def _chunks(path: Path, start: int) -> Iterator[bytes]:
    with path.open("rb") as handle:
        handle.seek(start)
        while chunk := handle.read(CHUNK):
            yield chunk


def _written(plain: PlainText, path: Path, chunks: Iterator[bytes]) -> PlainText:
    counts, head = TextCounts(), b""
    with path.open("wb") as handle:
        for chunk in chunks:
            counts.update(chunk)
            handle.write(chunk)
            if len(head) < CHUNK:
                head += chunk[:CHUNK]
    counts.finish()
    return PlainText(path, plain.encoding, counts, head, 0)
