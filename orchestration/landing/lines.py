"""A text file as a stream of Arrow batches of physical lines: the raw material where a CSV reader's own idea of lines
will not do.
"""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.landing.damage import mark
from orchestration.landing.errors import UnreadableFileError
from orchestration.landing.text import PlainText

CHUNK = 8 << 20
LONGEST_LINE = 256 << 20  # bytes; a longer line would have to be held in memory as a whole

# n: physical line from 1. quotes: quote characters in it. segment: lines with an odd number of quotes so far, this one
# included.
# brk: how the line ends: 0 LF (or the file's end), 1 CRLF, 2 CR. body: the line without its end.
LINES = pa.schema(
    [("n", pa.int64()), ("segment", pa.int64()), ("quotes", pa.int32()), ("brk", pa.int32()), ("body", pa.string())]
)


def line_batches(plain: PlainText, skip_lines: int) -> Iterator[pa.RecordBatch]:
    """The lines of a text without the first `skip_lines` (nor a byte order mark), with schema `LINES`; bytes that are
    no UTF-8 come as marks.

    Raises `UnreadableFileError` for a line longer than `LONGEST_LINE`.
    """
    done = segment = 0
    has_cr = plain.counts.cr > 0
    for block in line_blocks(plain, has_cr):
        if not plain.counts.is_utf8:
            block = mark(block)
        bodies = (
            pc.split_pattern(pa.array([block], pa.large_binary()).cast(pa.large_string()), "\n")
            .flatten()
            .cast(pa.string())
        )
        first, done = done, done + len(bodies)
        if done <= skip_lines:
            continue
        if first < skip_lines:
            bodies = bodies.slice(skip_lines - first)
            first = skip_lines
        count = len(bodies)
        if has_cr:
            bare = pc.utf8_rtrim(bodies, characters="\r")
            brk = pc.subtract(pc.binary_length(bodies), pc.binary_length(bare)).cast(pa.int32())
            bodies = bare
        else:
            brk = pa.repeat(pa.scalar(0, pa.int32()), count)
        quotes = pc.count_substring(bodies, '"')
        segments = pc.cumulative_sum(pc.bit_wise_and(quotes, 1).cast(pa.int64()), start=segment)
        segment = segments[-1].as_py()
        numbers = pc.cumulative_sum(pa.repeat(pa.scalar(1, pa.int64()), count), start=first)
        yield pa.record_batch([numbers, segments, quotes.cast(pa.int32()), brk, bodies], schema=LINES)


def line_blocks(
    plain: PlainText, has_cr: bool, chunk_bytes: int = CHUNK, longest: int | None = None
) -> Iterator[bytes]:
    """Blocks of whole lines, joined by LF, the last LF of each left out.

    Where CRs are to count (`has_cr`), a line that ended in CRLF keeps one CR at its end and one that ended in CR keeps
    two: no other CR can occur, so this can be undone without loss. Raises `UnreadableFileError` for a line of more than
    `longest` bytes (`LONGEST_LINE`).
    """
    most = LONGEST_LINE if longest is None else longest
    tail: list[bytes] = []
    held = b""  # a CR at the end of a chunk: its LF may follow
    with plain.path.open("rb") as handle:
        handle.seek(plain.bom_bytes)
        while chunk := handle.read(chunk_bytes):
            chunk, held = held + chunk, b""
            if has_cr:
                if chunk.endswith(b"\r"):
                    chunk, held = chunk[:-1], b"\r"
                chunk = chunk.replace(b"\r", b"\r\r\n").replace(b"\r\r\n\n", b"\r\n")
            cut = chunk.rfind(b"\n")
            if cut < 0:
                tail.append(chunk)
                if sum(map(len, tail)) > most:
                    raise UnreadableFileError(
                        f"a line longer than {most >> 20} MiB",
                        "text with line ends",
                        "deliver the file with line ends",
                    )
                continue
            yield b"".join((*tail, chunk[:cut]))
            tail = [chunk[cut + 1 :]]
    if held:
        yield b"".join((*tail, b"\r\r"))
    elif any(tail):
        yield b"".join(tail)
