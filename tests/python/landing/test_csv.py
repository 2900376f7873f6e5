"""CSV in every shape that an inbox sees: dialects, encodings, bad lines, and the accounting of law 1."""

import gzip
from collections.abc import Callable

import pytest

from .conftest import HEADER, Inbox, order

Land = Callable[..., Inbox]


def ids(inbox: Inbox) -> list[str]:
    return [row["order_id"] for row in inbox.records()]


def test_a_plain_file_lands_whole(one: Land):
    inbox = one(f"{HEADER}\n{order(1)}\n{order(2)}\n")
    manifest = inbox.manifest()
    assert [row["total"] for row in inbox.records(meta=True)] == ["1.50", "2.50"]
    assert inbox.records(meta=True)[0]["_org_id"] == "acme"
    assert inbox.records(meta=True)[0]["_feed"] == "pos/orders"
    assert inbox.records(meta=True)[0]["_received_at"].isoformat() == "2026-02-01T12:00:00"
    assert (manifest["format"], manifest["encoding"], manifest["delimiter"]) == ("csv", "utf-8", ",")
    assert (manifest["physical_lines"], manifest["record_count"], manifest["header_lines"]) == (3, 2, 1)
    assert inbox.tree()[0] == "archive/acme/pos/orders/orders.csv"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_line_ends_and_delimiters(one: Land, end: str, last: bool, delimiter: str):
    text = end.join([HEADER, order(1), order(2, status='"a' + end + 'b"')]) + (end if last else "")
    inbox = one(text.replace(",", delimiter))
    assert [row["status"] for row in inbox.records()] == ["PAID", f"a{end}b"]
    assert inbox.manifest()["delimiter"] == delimiter
    assert (inbox.manifest()["physical_lines"], inbox.manifest()["record_line_breaks"]) == (4, 1)


def test_mixed_line_ends_stay_in_the_values(one: Land):
    second = order(2, status='"a\rb\r\nc"')
    inbox = one(f"{HEADER}\r\n{order(1)}\n\r{second}\r\r\n")
    assert [row["status"] for row in inbox.records()] == ["PAID", "a\rb\r\nc"]
    manifest = inbox.manifest()
    assert (manifest["physical_lines"], manifest["blank_lines"], manifest["record_line_breaks"]) == (7, 2, 2)


@pytest.mark.parametrize(
    ("encoding", "mark", "told"),
    [
        ("utf-8", "", "utf-8"),
        ("utf-8-sig", "", "utf-8"),
        ("utf-16", "", "utf-16"),
        ("utf-16-le", "\ufeff", "utf-16"),
        ("utf-16-be", "\ufeff", "utf-16"),
        ("latin-1", "", "cp1252"),
        ("cp1252", "", "cp1252"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_encodings(one: Land, encoding: str, mark: str, told: str, packed: bool):
    data = (mark + f"{HEADER},Ort\r\n{order(1)},Zürich\r\n{order(2)},Málaga\r\n").encode(encoding)
    inbox = one(gzip.compress(data) if packed else data, "orders.csv.gz" if packed else "orders.csv")
    assert [row["Ort"] for row in inbox.records()] == ["Zürich", "Málaga"]
    assert inbox.manifest()["encoding"] == told
    assert inbox.manifest()["bytes"] == len(data)


def test_the_euro_sign_tells_cp1252(one: Land):
    assert one(f"{HEADER}\n{order(1, status='€')}\n".encode("cp1252")).records()[0]["status"] == "€"


def test_headers_in_any_order_case_and_spelling(one: Land):
    inbox = one('\ufeff Updated-At ,"ORDER ID", store_id,Status,currency,TOTAL,Created At,Note\nu,1,S,P,EUR,5,c,n\n')
    assert inbox.records() == [
        {
            "order_id": "1", "store_id": "S", "status": "P", "currency": "EUR", "total": "5", "created_at": "c",
            "updated_at": "u", "description": None, "Note": "n", "_row_number": 1,
        }
    ]  # fmt: skip
    assert inbox.manifest()["columns"][0] == " Updated-At "


def test_extra_columns_keep_their_names_and_never_collide(one: Land):
    inbox = one(f"{HEADER},note,Note,,_org_id\n{order(1)},a,b,c,d\n")
    row = inbox.records(meta=True)[0]
    assert (row["note"], row["Note_2"], row["column_10"], row["_org_id_2"], row["_org_id"]) == (
        "a",
        "b",
        "c",
        "d",
        "acme",
    )


def test_a_column_named_twice_is_no_guess(one: Land):
    inbox = one(f"{HEADER},Order-Id\n{order(1)},2\n")
    assert "two headers for one column" in inbox.reason()
    assert not list(inbox.data.glob("landing/pos"))


def test_the_own_name_goes_before_an_alias(one: Land):
    inbox = one(
        "order_id,location_id,state,currency,total,order_total,placed_at,modified_at,revision\n1,L,s,EUR,9,8,p,m,1\n",
        feed="oms/orders",
    )
    assert (inbox.records()[0]["order_total"], inbox.records()[0]["total"]) == ("8", "9")


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_header_alone_is_an_empty_batch(one: Land, end: str):
    inbox = one(HEADER + end)
    assert inbox.records() == []
    assert (inbox.manifest()["record_count"], inbox.manifest()["physical_lines"]) == (0, 1)


def test_quoted_commas_quotes_and_lines(one: Land):
    inbox = one(f'{HEADER},description\n{order(1)},"a, ""b""\n\nc"\n{order(2)},""\n{order(3)}, x \n')
    assert [row["description"] for row in inbox.records()] == ['a, "b"\n\nc', None, " x "]
    assert inbox.manifest()["record_line_breaks"] == 2
    assert inbox.manifest()["blank_lines"] == 0


def test_a_header_over_two_lines(one: Land):
    inbox = one(f'{HEADER},"no\nte"\n{order(1)},x\n')
    assert inbox.manifest()["header_lines"] == 2
    assert inbox.records()[0]["no\nte"] == "x"


def test_blank_lines_anywhere(one: Land):
    inbox = one(f"\n\n{HEADER}\n\n{order(1)}\n   \n{order(2)}\n\n\n")
    assert ids(inbox) == ["O1", "O2"]
    assert inbox.manifest()["blank_lines"] == 6


def test_a_line_of_delimiters_is_a_record(one: Land):
    inbox = one(f"{HEADER}\n,,,,,,\n")
    assert inbox.records()[0]["order_id"] is None


def test_one_column(one: Land):
    inbox = one('stream\na\n\n""\n"b\nc"\nd,e\n', "p.csv", feed="tieout/policies")
    assert [row["stream"] for row in inbox.records()] == ["a", None, "b\nc"]
    assert inbox.manifest()["blank_lines"] == 1
    assert inbox.rejects() == [(4, 7, 1, "1 field expected, 2 found", "d,e")]


def test_bad_lines_are_kept_and_spare_their_neighbours(one: Land):
    lines = [
        order(1),
        order(2) + ",extra",  # line 3
        "O3,S1",  # 4
        'O4,"S1,PAID,EUR,1,c,u',  # 5: never closed
        order(5),
        'O6,"S\n1",PAID,EUR,1,c,u',  # 7 and 8: a good record
        'O7,S"1,PAID,EUR,1,c,u',  # 9: a quote inside
        'O8,"S"1,PAID,EUR,1,c,u',  # 10
        "O9,S\0,PAID,EUR,1,c,u",  # 11
        'O10,"S\n1",PAID',  # 12 and 13: too few
        'O11, "S",PAID,EUR,1,c,u',  # 14: a blank before the quote
        order(12),
        'O13,S1",PAID,EUR,1,c,u',  # 16
    ]
    inbox = one(HEADER + "\n" + "\n".join(lines))
    assert [(row["order_id"], row["_row_number"]) for row in inbox.records()] == [
        ("O1", 1),
        ("O5", 5),
        ("O6", 6),
        ("O12", 12),
    ]
    rejects = inbox.rejects()
    assert [reject[:3] for reject in rejects] == [
        (2, 3, 1), (3, 4, 1), (4, 5, 1), (7, 9, 1), (8, 10, 1), (9, 11, 1), (10, 12, 2), (11, 14, 1), (13, 16, 1)
    ]  # fmt: skip
    assert [reject[4] for reject in rejects] == [lines[i - 1] for i in (2, 3, 4, 7, 8, 9, 10, 11, 13)]
    reasons = [reject[3] for reject in rejects]
    assert reasons[0] == "7 fields expected, 8 found"
    assert reasons[1] == "7 fields expected, 2 found"
    assert reasons[2].startswith("unterminated quote")
    assert reasons[3].startswith("stray quote")
    assert reasons[5] == "NUL character"
    assert reasons[6] == "7 fields expected, 3 found"


def test_two_stray_quotes_do_not_swallow_what_lies_between(one: Land):
    """Joined, the two lines would make one record of seven fields, and the good ones would be its store."""
    inbox = one("\n".join([HEADER, 'O1,"S1,PAID,EUR,1,c,u', order(2), order(3), 'O4,S1",PAID,EUR,1,c,u', order(5)]))
    assert ids(inbox) == ["O2", "O3", "O5"]
    assert [reject[0] for reject in inbox.rejects()] == [1, 4]


def test_an_open_quote_at_the_very_end(one: Land):
    inbox = one("\n".join([HEADER, order(1), 'O2,S1,PAID,EUR,1,c,"u']))
    assert ids(inbox) == ["O1"]
    assert inbox.rejects()[0][4] == 'O2,S1,PAID,EUR,1,c,"u'


def test_lines_across_the_buffers_and_beyond_the_readers_limit(one: Land):
    long = "x" * 5_000_000 + "\n" + "y" * 9_000_000
    lines = [HEADER] + [order(i) for i in range(50_000)] + [order(50_000, status=f'"{long}"'), "short"]
    lines += [order(i) for i in range(50_002, 60_000)]
    inbox = one("\n".join(lines))
    manifest = inbox.manifest()
    assert (manifest["record_count"], manifest["reject_count"], manifest["record_line_breaks"]) == (59_999, 1, 1)
    rows = inbox.records()
    assert rows[50_000]["status"] == long
    assert [row["order_id"] for row in rows] == [f"O{row['_row_number'] - 1}" for row in rows]
    assert inbox.rejects() == [(50_002, 50_004, 1, "7 fields expected, 1 found", "short")]


def test_a_line_that_memory_cannot_hold(one: Land, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("orchestration.landing.lines.LONGEST_LINE", 1 << 20)
    assert "a line longer than 1 MiB" in one(f"{HEADER}\n{order(1)}\n" + "x" * (20 << 20) + "\n").reason()


def test_many_quoted_line_breaks(one: Land):
    lines = [HEADER] + [order(i, status=f'"a{i}\r\nb"') for i in range(20_000)]
    inbox = one("\r\n".join(lines))
    assert inbox.manifest()["record_line_breaks"] == 20_000
    assert [row["status"] for row in inbox.records()] == [f"a{i}\r\nb" for i in range(20_000)]


@pytest.mark.parametrize(
    ("content", "name", "told"),
    [
        (b"", "orders.csv", "empty file"),
        (gzip.compress(b"", mtime=0), "orders.csv.gz", "empty file"),
        (b"\xff\xfe", "orders.csv", "byte order mark"),
        (b"\n\n", "orders.csv", "only blank lines"),
        (gzip.compress(HEADER.encode() * 999, mtime=0)[:-20], "orders.csv.gz", "cut short"),
        (b"\x1f\x8bnot gzip at all", "orders.csv.gz", "gzip"),
        (b"PK\x03\x04rest", "orders.csv", "Excel"),
        (b"\x00\x01\x02\x81\x8d", "orders.csv", "not text in utf-8, cp1252"),
        (b'"order_id,store_id\n1,2', "orders.csv", "quotes do not close"),
        (b"order_id,store_id\n1,2", "orders.csv", "no column for status, currency, total, created_at, updated_at"),
        (f"sep=,\n\n{HEADER}\n{order(1)}\n".encode(), "orders.csv", "header_within: 3"),
        (f"{HEADER}\n{order(1)}\n".encode("utf-16-le"), "orders.csv", "UTF-16"),
        (b"<html><p>No access</p></html>", "orders.csv", '["<the header that holds it>"]'),
        (b"PAR1broken", "orders.parquet", "no readable Parquet"),
        (b"x", "orders.xlsx", "ending .xlsx"),
        (HEADER.replace(",", "^").encode(), "orders.csv", '"^"'),
    ],
)
def test_unreadable_files_say_why(one: Land, content: bytes, name: str, told: str):
    inbox = one(content, name)
    assert told in inbox.reason()
    assert "What would make it work" in inbox.reason()
    assert (inbox.data / "failed/acme/pos/orders" / name).read_bytes() == content
    assert not list(inbox.data.glob("landing/*/*/*/*"))


def test_the_reason_names_the_yaml_that_helps(one: Land):
    inbox = one(HEADER.replace("order_id", "Bestellnummer") + "\n" + order(1))
    reason = inbox.reason()
    assert "models/staging/pos/_pos__sources.yml" in reason
    assert 'org_id: "acme"' in reason
    assert 'order_id: ["Bestellnummer"]' in reason


@pytest.mark.parametrize("name", ["policies.csv", "policies.jsonl"])
def test_a_term_that_is_misspelt_is_not_taken_for_a_surplus(one: Land, name: str):
    text = "stream,price_abs_minr,owner\npos_oms_orders,100,ann\n"
    if name.endswith("jsonl"):
        text = '{"stream": "pos_oms_orders", "price_abs_minr": "100", "owner": "ann"}\n'
    reason = one(text, name, feed="tieout/policies").reason()
    assert '"price_abs_minr", which tieout/policies does not know, and none for price_abs_minor' in reason
    assert "call it price_abs_minor" in reason


def test_a_term_may_have_a_surplus_beside_it(one: Land):
    inbox = one("stream,price_abs_minor,price_abs_minr,owner\ns,1,2,ann\n", "p.csv", feed="tieout/policies")
    assert len(inbox.records()) == 1
