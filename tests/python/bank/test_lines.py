"""Whatever a file holds, its lines add up, every entry is a row or a reject, and the landing goes on."""

import gzip
import random
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import land
from .test_bai2 import WHOLE as BAI2
from .test_bai2 import detail
from .test_camt053 import CLOSING, OPENING, entry, statement_of
from .test_mt940 import WHOLE as MT940
from .test_ofx import document, transaction

CAMT = statement_of(OPENING, CLOSING, entry(), entry("1.00"))
OFX = document(transaction(), transaction("-3.00"))
FORMATS = {"mt940": MT940 * 2, "camt053": CAMT, "bai2": BAI2 * 2, "ofx": OFX}
JUNK = [
    "\0",
    "\x01",
    "é",
    "\udcff",
    "\r",
    "\n",
    "\n\n",
    "\r\n",
    ":61:",
    ":86:",
    "-\n",
    "}{",
    "88,",
    "16,",
    "/",
    "<Ntry>",
]
JUNK += ["</STMTTRN>", "<STMTTRN>", "<OFX>", ",", "?20", "&amp;", "]]>", "<!--", " " * 40, "9" * 40]


def land_bytes(content: bytes) -> bool:
    """Whether it lands; the lines are checked where it does."""
    folder = Path(tempfile.mkdtemp())
    try:
        return not land(folder / "data", content).refused
    finally:
        shutil.rmtree(folder)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    form=st.sampled_from(sorted(FORMATS)),
    edits=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 60), st.one_of(st.just(""), st.sampled_from(JUNK))),
        max_size=6,
    ),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    packed=st.booleans(),
)
def test_lines_add_up_whatever_was_done_to_a_file(form, edits, end, packed):
    text = FORMATS[form].replace("\n", end)
    for place, removed, put in edits:
        at = int(place * len(text))
        text = text[:at] + put + text[at + removed :]
    data = text.encode("utf-8", "surrogateescape")
    land_bytes(gzip.compress(data) if packed else data)


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_a_file_that_is_cut_anywhere(form):
    """A format of lines lands what is there; XML that is cut is refused."""
    text = FORMATS[form].encode()
    rng = random.Random(7)
    for at in sorted(rng.sample(range(len(text) // 3, len(text) - 12), 12)):
        assert land_bytes(text[:at]) == (form != "camt053"), (form, at)


@pytest.mark.parametrize(
    "content", [b"\0" * 5000, bytes(range(256)) * 40, b"\x89PNG\r\n" * 30, b"{1:" * 900, b"<" * 9000]
)
def test_what_is_no_statement_is_refused(content):
    assert not land_bytes(content)


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_binary_behind_a_good_beginning(form):
    noise = bytes(random.Random(3).randbytes(50_000))
    assert land_bytes(FORMATS[form].encode() + noise) == (form != "camt053")


@pytest.mark.parametrize("form", ["mt940", "bai2", "ofx"])
def test_a_huge_line(form):
    """A line of a few megabytes is a line; one without end is refused."""
    assert land_bytes(FORMATS[form].encode() + b"x" * (3 << 20))
    assert not land_bytes(FORMATS[form].encode() + b"x" * (17 << 20))


def test_empty_and_blank():
    assert not land_bytes(b"")
    assert not land_bytes(b"\n" * 20)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 10**11), st.sampled_from("CD"), st.sampled_from(["", "A", "B 1", "x" * 70])),
        max_size=30,
    )
)
def test_every_entry_of_every_format_is_a_row(entries):
    """The same entries in four formats: as many rows, and the same amounts to the last digit."""
    moved = [(n if mark == "C" else -n) for n, mark, _ in entries]
    amounts = [f"{n // 100}.{n % 100:02}" for n, _, _ in entries]
    mt940 = "".join(
        f":61:260311{mark}{amount.replace('.', ',')}NTRFNONREF\n:86:{text}\n"
        for amount, (_, mark, text) in zip(amounts, entries, strict=True)
    )
    bai2 = "".join(f"16,{142 if mark == 'C' else 495},{n},,,,{text}/\n" for n, mark, text in entries)
    ofx = "".join(transaction(f"{'-' if m < 0 else ''}{a}") for m, a in zip(moved, amounts, strict=True))
    word = {"C": "CRDT", "D": "DBIT"}
    camt = "".join(
        entry(amount, mark=f"<CdtDbtInd>{word[mark]}</CdtDbtInd>")
        for amount, (_, mark, _) in zip(amounts, entries, strict=True)
    )
    files = {
        "mt940": f":20:S\n:25:A\n:28C:1\n:60F:C260310EUR0,\n{mt940}:62F:C260310EUR0,\n-\n",
        "bai2": detail(bai2.removesuffix("\n"), "EUR"),
        "ofx": document(ofx),
        "camt053": statement_of(OPENING, camt),
    }
    for form, text in files.items():
        folder = Path(tempfile.mkdtemp())
        try:
            landed = land(folder / "data", text)
            assert landed.manifest["format"] == form
            assert not landed.rejects
            assert [row["amount"].lstrip("-") for row in landed.entries] == amounts
            if form != "ofx":
                assert [row["direction"] for row in landed.entries] == [mark for _, mark, _ in entries]
        finally:
            shutil.rmtree(folder)
