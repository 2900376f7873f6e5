"""The hook for files that are no tables: chosen by content, quarantine and law 1 as for every other file."""

import gzip
import sys
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from orchestration.landing.readers import encodings_of
from orchestration.landing.readers._lines import text_lines
from orchestration.landing.readers._sink import Sink

from .conftest import HEADER, Inbox, order


def read_toy(plain, feed, target):
    """`TOY` on top, then `order_id=total` a line, several with `;` between them; `?` is no record."""
    with Sink("toy", plain, feed, target) as sink:
        for line in text_lines(plain):
            if not line.text.strip():
                sink.blank()
            elif line.fault:
                sink.reject(line.number, 1, line.fault, line.shown)
            elif line.text == "TOY":
                sink.header()
            elif line.text == "?":
                sink.reject(line.number, 1, "no record", line.text)
            elif line.text != "forgotten":
                for place, record in enumerate(line.text.split(";")):
                    name, _, total = record.partition("=")
                    sink.record({"order_id": name, "total": total}, lines=0 if place else 1)
    return sink.reading


@pytest.fixture
def toy(inbox: Inbox, feeds: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lands contents in a feed that knows the reader `toy`, and gives the inbox back."""
    module = ModuleType("toy")
    module.sniff = lambda head: head.startswith(b"TOY")
    module.read = read_toy
    module.encoding = lambda head: "iso-8859-15" if b"latin" in head else "klingon"
    monkeypatch.setitem(sys.modules, "orchestration.landing.readers.toy", module)
    feed = replace(feeds["pos/orders"], readers=("toy",))

    def land(content: bytes | str, name: str = "orders.toy") -> Inbox:
        inbox.put(content, name)
        inbox.land(feeds={"pos/orders": feed})
        return inbox

    land.feed = feed
    return land


def test_a_reader_is_chosen_by_content_and_explains_every_line(toy: Any):
    inbox = toy("TOY\n\na=1\r\nb=2;c=3\r?\nd=4")
    assert [(row["_row_number"], row["order_id"], row["total"]) for row in inbox.records()] == [
        (1, "a", "1"),
        (2, "b", "2"),
        (3, "c", "3"),
        (5, "d", "4"),
    ]
    assert inbox.rejects() == [(4, 5, 1, "no record", "?")]
    manifest = inbox.manifest()
    assert (manifest["format"], manifest["physical_lines"], manifest["record_line_breaks"]) == ("toy", 6, -1)
    assert (manifest["header_lines"], manifest["blank_lines"], manifest["reject_lines"]) == (1, 1, 1)


@pytest.mark.parametrize("name", ["statement", "o.csv", "o.940", "o.xml.gz", "o.txt"])
def test_the_name_does_not_matter(toy: Any, name: str):
    content = b"TOY\na=1\n"
    inbox = toy(gzip.compress(content) if name.endswith(".gz") else content, name)
    assert inbox.manifest()["format"] == "toy"


def test_what_no_reader_knows_is_read_as_csv(toy: Any):
    inbox = toy(f"{HEADER}\n{order(1)}\n", "orders.sta")
    assert inbox.manifest()["format"] == "csv"
    assert inbox.records()[0]["order_id"] == "O1"


def test_what_nobody_knows_fails_with_the_formats(toy: Any):
    assert "one of the formats toy, or a header with the columns" in toy("what, is, this\n").reason()


def test_a_reader_that_forgets_a_line_lands_nothing(toy: Any):
    inbox = toy("TOY\na=1\nforgotten\n")
    assert "3 physical lines, but 1 header + 1 records" in inbox.reason()
    assert not list(inbox.data.glob("landing/*/*/*/*"))


def test_the_same_twice_is_one_batch(toy: Any):
    toy("TOY\na=1\n")
    inbox = toy("TOY\na=1\n", "again.toy")
    assert len(inbox.records()) == 1


def test_damaged_lines_and_nul_are_rejects(toy: Any):
    inbox = toy("TOY\né=1\n".encode() + b"b=\xff\nc=\0\nd=4\n")
    assert [row["order_id"] for row in inbox.records()] == ["é", "d"]
    assert [(reject[3], reject[4]) for reject in inbox.rejects()] == [
        ("not valid UTF-8 at byte 3 of the record (0xFF)", "b=\\xff"),
        ("NUL character", "c=\0"),
    ]


@pytest.mark.parametrize(("head", "encoding", "read"), [("latin", "iso8859-15", "€"), ("other", "cp1252", "¤")])
def test_the_file_names_its_encoding(toy: Any, head: str, encoding: str, read: str):
    inbox = toy(b"TOY\n" + head.encode() + b"=\xa4\n")
    assert (inbox.records()[0]["total"], inbox.manifest()["encoding"]) == (read, encoding)


def test_utf8_goes_before_the_encoding_that_a_file_names(toy: Any):
    inbox = toy("TOY\nlatin=€\n")
    assert (inbox.records()[0]["total"], inbox.manifest()["encoding"]) == ("€", "utf-8")


def test_encodings_of_a_feed_without_readers(feeds: dict[str, Any]):
    assert encodings_of(feeds["pos/orders"], b"TOY latin") == feeds["pos/orders"].encodings


def test_a_large_file_is_written_in_batches(toy: Any):
    records = 8192 * 12 + 5
    inbox = toy("TOY\n" + "".join(f"o{i}={i}\n" for i in range(records)))
    rows = inbox.records()
    assert len(rows) == records
    assert rows[-1]["_row_number"] == records
    assert rows[-1]["order_id"] == f"o{records - 1}"


def test_a_line_without_end_is_refused(toy: Any):
    assert "a line longer than 16 MiB" in toy(b"TOY\n" + b"x" * (18 << 20)).reason()
