"""The reader of PayPal's settlement reports: rows of several types, signs, what took a movement, what is refused."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.python.feeds.settlements import DAY_5, STL_COLUMNS, TRR, sb, sf, stl

from .conftest import Inbox

Land = Callable[..., Inbox]
NAME = "STL-20260306.01.009.CSV"


@pytest.fixture
def land(one: Land) -> Land:
    def put(content: bytes | str, name: str = NAME) -> Inbox:
        return one(content, name, feed="paypal/settlement")

    return put


def movements(inbox: Inbox, *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in columns) for row in inbox.records() if row["record_type"] == "SB"]


def test_every_line_is_explained(land: Land):
    inbox = land(DAY_5)
    manifest = inbox.manifest()
    assert (manifest["format"], manifest["record_count"], manifest["reject_count"]) == ("paypal_settlement", 15, 0)
    # RH, FH, SH, CH and FF
    assert (manifest["header_lines"], manifest["physical_lines"], manifest["blank_lines"]) == (5, 20, 0)
    assert [row["record_type"] for row in inbox.records()] == ["SB"] * 9 + ["SF", "SF", "SC", "RF", "RF", "RC"]


def test_amounts_get_the_sign_of_their_mark(land: Land):
    found = movements(
        land(DAY_5), "transaction_id", "gross_transaction_amount", "transaction_debit_or_credit", "fee_amount"
    )
    assert found[:3] == [("P1", "10000", "CR", "-398"), ("P2", "-2500", "DR", "44"), ("P3", "-1500", "DR", None)]


def test_rows_know_their_report_and_section(land: Land):
    row = land(DAY_5).records()[0]
    assert {name: row[name] for name in ("account_id", "file_number", "section", "version", "balance_effect")} == {
        "account_id": "PINEPAY01", "file_number": "01", "section": "1", "version": "2", "balance_effect": "MOVES",
    }  # fmt: skip
    assert (row["period_start"], row["report_date"]) == ("2026/03/05 00:00:00 -0800", "2026/03/06 02:21:10 -0800")


def test_footers_are_records_of_their_own(land: Land):
    footers = [row for row in land(DAY_5).records() if row["record_type"] == "SF"]
    names = ("gross_transaction_currency", "gross_credits", "gross_debits", "fee_credits", "fee_debits", "record_count")
    assert [tuple(row[name] for name in names) for row in footers] == [
        ("USD", "10000", "9646", "44", "398", "6"),
        ("JPY", "1150000", "1114000", "0", "36000", "3"),
    ]
    assert len({row["transaction_id"] for row in footers}) == 2


def test_a_movement_belongs_to_the_next_payout_of_an_emptied_balance(land: Land):
    rows = (
        sb("A", "T0006", "100", "01:00:00"),
        sb("late", "T0006", "50", "23:00:00"),
        sb("W2", "T0400", "-70", "20:00:00"),
        sb("W1", "T0400", "-100", "10:00:00"),
        sb("B", "T0006", "70", "10:00:01"),
        sb("euro", "T0006", "70", "10:00:01", currency="EUR"),
    )
    inbox = land(stl(*rows, sf=(sf("USD", (220, 170), (0, 0), (0, 0), 5), sf("EUR", (70, 0), (0, 0), (0, 70), 1))))
    assert dict(movements(inbox, "transaction_id", "payout_id")) == {
        "A": "W1", "W1": "W1", "B": "W2", "W2": "W2", "late": None, "euro": None,
    }  # fmt: skip


@pytest.mark.parametrize(("begin", "end"), [(5, 0), (0, 5), (-5, 0)])
def test_what_a_balance_that_runs_on_paid_out_nobody_knows(land: Land, begin: int, end: int):
    rows = (sb("A", "T0006", "100"), sb("W", "T0400", "-100", "20:00:00"))
    inbox = land(stl(*rows, sf=(sf("USD", (100, 100), (0, 0), (begin, end), 2),)))
    assert movements(inbox, "payout_id") == [(None,), (None,)]
    assert next(row["begin_balance"] for row in inbox.records() if row["record_type"] == "SF") == str(begin)


def test_a_detail_report(land: Land):
    found = movements(land(TRR, "TRR-20260306.CSV"), "transaction_id", "balance_effect", "version")
    assert found == [
        ("P1", "MOVES", "1"),
        ("P31", "MEMO", "1"),
        ("P32", "MEMO", "1"),
        ("P33", "MEMO", "1"),
        ("P34", "STATUS X", "1"),
    ]


def test_customers_do_not_land(land: Land):
    assert not {"First Name", "first_name"} & set(land(TRR).records()[0])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_line_ends_and_encodings(land: Land, end: str, encoding: str):
    inbox = land(DAY_5.replace("\n", end).encode(encoding))
    assert inbox.manifest()["record_count"] == 15


def test_tabs_and_blank_lines(land: Land):
    inbox = land("\n" + TRR.replace(",", "\t") + "\n \n")
    assert (inbox.manifest()["record_count"], inbox.manifest()["blank_lines"]) == (6, 3)


def test_a_custom_field_of_several_lines(land: Land):
    row = sb("A", "T0006", "100", order="x").replace('"x","C1"', '"two\nlines, ""quoted""","C1"')
    inbox = land(stl(row, sb("B", "T0006", "1")))
    assert movements(inbox, "transaction_id", "custom_field") == [("A", 'two\nlines, "quoted"'), ("B", None)]
    assert inbox.manifest()["record_line_breaks"] == 1


def test_two_sections_are_told_apart(land: Land):
    text = stl(sb("A", "T0006", "1"), sf=(sf("USD", (1, 0), (0, 0), (0, 1), 1),))
    lines = text.splitlines()
    section = [line.replace('"A"', '"B"') for line in lines[2:7]]
    inbox = land("\n".join([*lines[:7], *section, *lines[7:]]))
    assert movements(inbox, "transaction_id", "section") == [("A", "1"), ("B", "2")]


GOOD = sb("A", "T0006", "100")
WITH_FEE = sb("A", "T0006", "100", fee="-5")


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (GOOD.replace('"CR",100', '"XX",100'), "neither CR nor DR beside the gross amount '100', but XX"),
        (GOOD.replace('"CR",100', '"",100'), "neither CR nor DR beside the gross amount '100', but nothing"),
        (GOOD.replace('"CR",100', '"CR",-100'), "a sign in the gross amount '-100', which has a mark for it"),
        (WITH_FEE.replace('"DR",5', '"",5'), "neither CR nor DR beside the fee '5', but nothing"),
        (WITH_FEE.replace('5,"USD"', '5,"EUR"'), "a fee in EUR of a movement in USD"),
        (sb("", "T0006", "100"), "a movement without transaction_id"),
        (sb("A", "", ""), "a movement without transaction_event_code, gross_transaction_amount"),
        (GOOD + ",more", "21 fields expected after the record type, 22 found"),
        ('"XX","what"', "unknown record type 'XX'"),
        ('"SF","USD",1,2', "a footer of 4 fields; 7 to 19 with a mark before each balance are expected"),
        ('"SB","A" and more', "unreadable row: ',' expected after '\"'"),
        ('"SB","A,"never closed', "unreadable row"),
        ('"SB","no end', "unreadable row: unexpected end of data"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_a_reject_by_itself(land: Land, row: str, told: str):
    inbox = land(stl(sb("before", "T0006", "1"), row, sb("after", "T0006", "2")))
    assert movements(inbox, "transaction_id") == [("before",), ("after",)]
    ((number, line, span, reason, raw),) = inbox.rejects()
    assert (number, line, span, raw) == (2, 6, 1, row)
    assert told in reason


def test_a_zero_needs_no_mark(land: Land):
    inbox = land(stl(sb("A", "T0006", "0").replace('"CR",0', '"",0')))
    assert movements(inbox, "gross_transaction_amount") == [("0",)]


def test_a_quote_that_does_not_close_swallows_nothing(land: Land):
    row = sb("A", "T0006", "100", order="x").replace('"x","C1"', '"x,"C1"')
    inbox = land(stl(row, "loose end", sb("B", "T0006", "1")))
    assert movements(inbox, "transaction_id") == [("B",)]
    assert [reject[1:3] for reject in inbox.rejects()] == [(5, 2)]


def test_damaged_bytes_and_nul(land: Land):
    text = stl(sb("é", "T0006", "1"), sb("bad", "T0006", "1"), sb("C", "T0006", "1"), sb("nul", "T0006", "1"))
    data = text.encode().replace(b'"bad"', b'"b\xffd"').replace(b'"nul"', b'"n\0l"')
    inbox = land(data)
    assert movements(inbox, "transaction_id") == [("é",), ("C",)]
    assert [reject[3][:12] for reject in inbox.rejects()] == ["not valid UT", "NUL characte"]


def test_a_body_without_column_names(land: Land):
    lines = stl(sb("A", "T0006", "1")).splitlines()
    inbox = land("\n".join(line for line in lines if not line.startswith('"CH"')))
    assert [reject[3] for reject in inbox.rejects()] == ["a body row without column names above it"]


def test_column_names_without_what_a_movement_needs_are_refused(land: Land):
    text = stl(sb("A", "T0006", "1")).replace(
        STL_COLUMNS, STL_COLUMNS.replace('"Gross Transaction Amount"', '"Amount"')
    )
    assert "no column for gross_transaction_amount" in land(text).reason()


def test_a_file_cut_short_has_what_it_has(land: Land):
    inbox = land(DAY_5[: DAY_5.index('"SB","P4"') + 30])
    assert movements(inbox, "transaction_id") == [("P1",), ("P2",), ("P3",)]
    assert len(inbox.rejects()) == 1


def test_an_ordinary_table_is_no_report(land: Land):
    assert "one of the formats paypal_settlement, or a header" in land("a,b\n1,2\n").reason()
