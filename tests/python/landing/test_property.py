"""Random tables in random dialects with random damage: every value and line must come out exactly.

The judge is Python's csv module for the values and plain arithmetic for the lines; nothing here knows how landing
reads.
"""

import csv
import gzip
import io
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import HEADER, Inbox

NAMES = [*HEADER.split(","), "nöte"]
TEXT = st.text(st.sampled_from("aé \t\n\r\",;|'\\Ü1.-"), max_size=8)
BAD = ("few", "many", "trail", "open", "inside", "nul", "hurt")
QUIET = ("few", "many", "trail", "hurt")  # what needs no quote and no NUL


def serialise(row: list[str], delimiter: str, end: str, quote_all: bool) -> str:
    """One row as CSV with its line end. (Python's writer leaves a lone CR unquoted, which no reader can undo.)"""

    def cell(value: str) -> str:
        needed = quote_all or any(mark in value for mark in (delimiter, '"', "\r", "\n"))
        return '"' + value.replace('"', '""') + '"' if needed else value

    return delimiter.join(map(cell, row)) + end


def bad_line(kind: str, delimiter: str) -> str:
    cells = ["x"] * len(NAMES)
    if kind == "few":
        cells.pop()
    elif kind == "many":
        cells.append("x")
    elif kind == "trail":
        cells.append("")
    elif kind == "hurt":
        cells[3] = "x\udce9"
    elif kind == "open":
        cells[2] = '"x'
    elif kind == "inside":
        cells[2] = 'x"x"x'
    else:
        cells[2] = "x\0"
    return delimiter.join(cells)


def physical_lines(text: str) -> int:
    return len(io.StringIO(text, newline=None).read().removesuffix("\n").split("\n")) if text else 0


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows=st.lists(st.lists(TEXT, min_size=len(NAMES), max_size=len(NAMES)), max_size=8),
    damage=st.dictionaries(
        st.integers(0, 8), st.lists(st.sampled_from((*BAD, "blank")), min_size=1, max_size=2), max_size=3
    ),
    delimiter=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    quote_all=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    packed=st.booleans(),
    last_end=st.booleans(),
    quiet=st.booleans(),
)
def test_what_is_written_is_what_lands(rows, damage, delimiter, end, quote_all, encoding, packed, last_end, quiet):
    if quiet:  # nothing that needs a quote, so that the faster readers get their share
        quote_all = False
        rows = [["".join(c for c in cell if c not in ',;|\t\r\n"') for cell in row] for row in rows]
    kinds = (*(QUIET if quiet else BAD), "blank")
    kinds = tuple(kind for kind in kinds if kind != "hurt" or encoding.startswith("utf-8"))
    damage = {position: [kind for kind in given if kind in kinds] for position, given in damage.items()}
    pieces: list[str] = [serialise(NAMES, delimiter, end, quote_all)]
    expected: list[tuple[int, list[str | None]]] = []
    rejects: list[tuple[int, int, str]] = []
    number, line, blank, breaks = 0, 1, 0, 0
    # A last line that is nothing but its end would be no line without it.
    ends_in_record = True
    for position in range(len(rows) + 1):
        for kind in damage.get(position, ()):
            line += 1
            ends_in_record = kind != "blank"
            if kind == "blank":
                pieces.append(end)
                blank += 1
            else:
                number += 1
                pieces.append(bad_line(kind, delimiter) + end)
                rejects.append((number, line, bad_line(kind, delimiter).replace("\udce9", r"\xe9")))
        if position < len(rows):
            ends_in_record = True
            text = serialise(rows[position], delimiter, end, quote_all)
            number += 1
            inside = physical_lines(text) - 1
            line += 1 + inside
            breaks += inside
            read = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
            assert read == rows[position]
            expected.append((number, [value or None for value in read]))
            pieces.append(text)
    content = "".join(pieces)
    if not last_end and ends_in_record:
        content = content.removesuffix(end)
    data = content.encode(encoding, "surrogateescape" if encoding.startswith("utf-8") else "strict")
    folder = Path(tempfile.mkdtemp())
    try:
        inbox = Inbox(folder)
        inbox.put(gzip.compress(data) if packed else data, "t.csv.gz" if packed else "t.csv")
        report = inbox.land()
        assert report.failed_files == 0, inbox.reason()
        manifest = inbox.manifest()
        assert [(r[0], r[1], r[4]) for r in inbox.rejects()] == rejects
        assert [(row["_row_number"], [row[name] for name in NAMES]) for row in inbox.records()] == expected
        assert manifest["physical_lines"] == physical_lines(content)
        assert (manifest["blank_lines"], manifest["record_line_breaks"]) == (blank, breaks)
    finally:
        shutil.rmtree(folder)
