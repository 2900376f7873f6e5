"""The physical lines of a CSV file without quotes that are no record, found by counting delimiters.

Without quotes no field goes over a line end and no delimiter is text, so a line is a record exactly when its delimiters
are one fewer than the fields. Arrow counts them for all lines at once; Python sees the few that do not fit.
"""

import re
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.landing import damage
from orchestration.landing.digest import occurrences
from orchestration.landing.lines import line_blocks
from orchestration.landing.text import PlainText

CHUNK = 4 << 20
BLOCK = 256 << 10  # small enough to stay in the processor's cache
MOST_CELLS = 2_000_000  # misfits times fields: the engine notes an error for every missing field
MOST_BYTES = 256 << 20  # their text times fields, for the same reason


@dataclass(frozen=True)
class Misfit:
    """A line that is no record: its number from 1, its bytes without the line end, its reason (None: it is blank)."""

    line: int
    raw: bytes
    reason: str | None


def count_delimiters(plain: PlainText, delimiter: str) -> int:
    """How often the delimiter occurs in the file, quoted or not."""
    mark, total = delimiter.encode(), 0
    with plain.path.open("rb") as handle:
        while chunk := handle.read(CHUNK):
            total += occurrences(chunk, mark)
    return total


def find_misfits(plain: PlainText, delimiter: str, fields: int, thorough: bool) -> list[Misfit] | None:
    """Every line after the first that is no record; None when there are too many to be held in memory.

    Unless `thorough`, lines are looked at only in blocks whose delimiters do not add up; two faults that make up for
    each other inside one block are then missed.
    """
    mark = delimiter.encode()
    found: list[Misfit] = []
    done = size = 0
    for block in line_blocks(plain, has_cr=False, chunk_bytes=BLOCK):
        if not thorough and (plain.counts.is_utf8 or block.isascii()):
            breaks = occurrences(block, b"\n")
            if occurrences(block, mark) == (fields - 1) * (breaks + 1):
                done += breaks + 1
                continue
        lines = _split(block)
        wrong = set(pc.indices_nonzero(pc.not_equal(pc.count_substring(lines, delimiter), fields - 1)).to_pylist())
        if not plain.counts.is_utf8:
            wrong |= _damaged(block)
        for index in sorted(wrong):
            if done + index == 0:
                continue  # the header
            raw = lines[index].as_py().removesuffix(b"\r")
            size += len(raw)
            found.append(Misfit(done + index + 1, raw, _reason(raw, delimiter, fields)))
            if len(found) * fields > MOST_CELLS or size * fields > MOST_BYTES:
                return None
        done += len(lines)
    return found


def _split(block: bytes) -> pa.LargeBinaryArray:
    ends = pa.py_buffer((0).to_bytes(8, "little") + len(block).to_bytes(8, "little"))
    whole = pa.Array.from_buffers(pa.large_binary(), 1, [None, ends, pa.py_buffer(block)])
    return pc.split_pattern(whole, "\n").flatten()


def _damaged(block: bytes) -> set[int]:
    """The lines of a block, from 0, that hold bytes which are no UTF-8."""
    if block.isascii():
        return set()
    text = block.decode("utf-8", "surrogateescape")
    lines, line, position = set(), 0, 0
    for match in re.finditer("[\udc80-\udcff]", text):
        line += text.count("\n", position, match.start())
        position = match.start()
        lines.add(line)
    return lines


def _reason(raw: bytes, delimiter: str, fields: int) -> str | None:
    """The same words as the exact reader's."""
    if not raw.strip(b" \t".replace(delimiter.encode(), b"")):
        return None
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return damage.reason(error.start + 1, raw[error.start])
    found = raw.count(delimiter.encode()) + 1
    return f"{fields} field{'s' if fields != 1 else ''} expected, {found} found"
