"""Files with bytes that are no UTF-8: damaged UTF-8 loses the lines that are hurt, another encoding loses nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.landing.damage import OUTWEIGHED, is_damaged_utf8

from .conftest import HEADER, Inbox, order

Land = Callable[..., Inbox]
HURT = order(2, status="M\udce9laga\udcff")
GOOD = order(1, status="Málaga")


def raw(*lines: str, end: str = "\n") -> bytes:
    return "".join(line + end for line in (HEADER, *lines)).encode("utf-8", "surrogateescape")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("quoted", [False, True])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_the_hurt_lines_are_rejects(one: Land, end: str, quoted: bool, mark: bytes):
    more = [order(3, status='"x, y"')] if quoted else []
    inbox = one(mark + raw(GOOD, HURT, "few", *more, order(4), end=end))
    assert inbox.manifest()["encoding"] == "utf-8"
    assert inbox.records()[0]["status"] == "Málaga"
    assert [row["_row_number"] for row in inbox.records()] == ([1, 4, 5] if quoted else [1, 4])
    assert inbox.rejects() == [
        (2, 3, 1, "not valid UTF-8 at byte 8 of the record (0xE9)", order(2, status=r"M\xe9laga\xff")),
        (3, 4, 1, "7 fields expected, 1 found", "few"),
    ]


def test_a_hurt_record_of_several_lines_is_one_reject(one: Land):
    lines = ['O2,"S\u00e9\n\udce9\n1",PAID,EUR,1,c,u', 'O3,"S\udce9,PAID,EUR,1,c,u', GOOD]
    inbox = one(raw(*lines))
    assert [row["_row_number"] for row in inbox.records()] == [3]
    assert inbox.rejects() == [
        (1, 2, 3, "not valid UTF-8 at byte 9 of the record (0xE9)", 'O2,"Sé\n\\xe9\n1",PAID,EUR,1,c,u'),
        (2, 5, 1, "not valid UTF-8 at byte 6 of the record (0xE9)", 'O3,"S\\xe9,PAID,EUR,1,c,u'),
    ]


def test_a_character_cut_off_at_the_end(one: Land):
    inbox = one(raw(GOOD, order(2, updated_at="é"))[:-2])
    assert [reject[3] for reject in inbox.rejects()] == ["not valid UTF-8 at byte 42 of the record (0xC3)"]


def test_json_lines(one: Land):
    line = '{"order_id":%d,"store_id":"%s","status":"p","currency":"EUR","total":1,"created_at":"c","updated_at":"u"}'
    inbox = one((line % (1, "é") + "\n").encode() + (line % (2, "é") + "\n").encode("cp1252"), "o.jsonl")
    assert [row["store_id"] for row in inbox.records()] == ["é"]
    assert inbox.rejects() == [
        (2, 2, 1, "not valid UTF-8 at byte 27 of the record (0xE9)", line % (2, r"\xe9"))
    ]  # fmt: skip


def test_a_hurt_header_is_no_guess(one: Land):
    assert "a header that is not valid UTF-8" in one(raw(GOOD).replace(b"total", b"total,n\xe9t", 1)).reason()


def test_private_characters_in_a_hurt_text_are_refused(one: Land):
    assert "private-use" in one(raw(order(1, status='"\U0010fe90"'), HURT)).reason()


def test_private_characters_in_a_sound_text_are_text(one: Land):
    assert one(raw(order(1, status='"\U0010fe90"'), "few")).records()[0]["status"] == "\U0010fe90"


@pytest.mark.parametrize(
    ("data", "utf8"),
    [
        ("Málaga\n".encode() + b"\xe9", True),
        ("Spaß“ ".encode("cp1252") + b"\xfc " * (OUTWEIGHED + 1), False),  # chance: DF 93 is a valid pair
        ("Zürich Ärger über Öl".encode("cp1252"), False),
        (b"a" * ((4 << 20) - 1) + "é".encode() + b"\xff", True),  # over a chunk's end
    ],
)
def test_what_the_bytes_say(tmp_path: Path, data: bytes, utf8: bool):
    path = tmp_path / "text"
    path.write_bytes(data)
    assert is_damaged_utf8(path) is utf8
