"""BAI2: records, continuations, implied decimals and control totals."""

from collections.abc import Callable

import pytest

from .conftest import Landed

Land = Callable[..., Landed]

WHOLE = """01,021000021,PIERFOUR,260311,0630,7,,,2/
02,PIERFOUR,021000021,1,260310,2400,USD,2/
03,000987001,USD,010,100000,,,015,107250,,/
88,100,8000,1,,400,750,1,/
16,142,8000,,STR0311,,STRIPE TRANSFER ST-Q7W2/
16,699,750,,FEE11,,ACCOUNT FEE, MARCH/
49,224750,5/
98,224750,1,7/
99,224750,1,9/
"""


def detail(line: str, currency: str = "USD") -> str:
    """A file with one detail, its totals left to themselves."""
    return (
        f"01,A,B,260311,0630,7,,,2/\n02,A,B,1,260310,2359,,2/\n03,ACC,{currency},010,0,,/\n{line}\n"
        "49,0,3/\n98,0,1,5/\n99,0,1,7/\n"
    )


def totals(landed: Landed) -> dict[str, tuple[str | None, ...]]:
    """What is claimed and what was counted, by kind."""
    names = ("amount", "counted_amount", "item_count", "counted_items")
    return {row["balance_type"]: tuple(row.get(name) for name in names) for row in landed.of("total")}


def test_a_whole_file(statement: Land):
    landed = statement(WHOLE)
    assert landed.manifest["format"] == "bai2"
    assert [(row["balance_type"], row["amount"]) for row in landed.of("balance")] == [
        ("OPENING", "1000.00"),
        ("CLOSING", "1072.50"),
    ]
    payout, fee = landed.entries
    assert (payout["amount"], payout["direction"], payout["bank_ref"]) == ("80.00", "C", "STR0311")
    assert (payout["entry_text"], payout["booking_date"]) == ("STRIPE TRANSFER ST-Q7W2", "2026-03-10")
    assert (fee["amount"], fee["direction"], fee["entry_text"]) == ("7.50", "D", "ACCOUNT FEE, MARCH")
    assert totals(landed) == {
        "CREDITS": ("80.00", "80.00", None, None),
        "DEBITS": ("7.50", "7.50", None, None),
        "ACCOUNT_CONTROL": ("2247.50", "2247.50", None, None),
        "ACCOUNT_RECORDS": (None, None, "5", "5"),
        "GROUP_CONTROL": ("2247.50", "2247.50", None, None),
        "GROUP_RECORDS": (None, None, "7", "7"),
        "GROUP_ACCOUNTS": (None, None, "1", "1"),
        "FILE_CONTROL": ("2247.50", "2247.50", None, None),
        "FILE_RECORDS": (None, None, "9", "9"),
        "FILE_GROUPS": (None, None, "1", "1"),
    }
    assert "account" not in landed.rows[-1]


def test_wrong_totals_are_read_and_told(statement: Land):
    landed = statement(WHOLE.replace("49,224750,5", "49,225000,6"))
    assert totals(landed)["ACCOUNT_CONTROL"][:2] == ("2250.00", "2247.50")
    assert totals(landed)["ACCOUNT_RECORDS"][2:] == ("6", "5")
    assert totals(landed)["GROUP_CONTROL"][:2] == ("2247.50", "2250.00")


def test_a_file_that_is_cut_short_leaves_its_claims_open(statement: Land):
    landed = statement(WHOLE[: WHOLE.index("49,")])
    assert totals(landed)["ACCOUNT_CONTROL"] == (None, "2247.50", None, None)
    assert totals(landed)["FILE_RECORDS"] == (None, None, None, "6")
    assert len(landed.entries) == 2


@pytest.mark.parametrize(
    ("currency", "amount"), [("USD", "12.34"), ("", "12.34"), ("JPY", "1234"), ("KWD", "1.234"), ("CLF", "0.1234")]
)
def test_implied_decimals(statement: Land, currency: str, amount: str):
    (row,) = statement(detail("16,142,1234,,,,X/", currency)).entries
    assert (row["amount"], row["currency"]) == (amount, currency or "USD")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("16,142,100,S,10,20,70,B1,C1,TEXT/", {"bank_ref": "B1", "customer_ref": "C1", "entry_text": "TEXT"}),
        ("16,142,100,V,260312,0900,B1,C1,TEXT/", {"value_date": "2026-03-12", "bank_ref": "B1"}),
        ("16,142,100,D,2,0,60,1,40,B1,C1,TEXT/", {"bank_ref": "B1", "entry_text": "TEXT"}),
        ("16,142,100,Z,B1,C1,A, B / C", {"entry_text": "A, B / C"}),
        ("16,142,100,,B1,C1,STRIPE\n88,TRANSFER\n88,ST-Q7W2/", {"entry_text": "STRIPE TRANSFER ST-Q7W2"}),
        ("16,142,100,/\n88,B1,C1,TEXT", {"bank_ref": "B1", "customer_ref": "C1", "entry_text": "TEXT"}),
        ("16,142,100,,B1,C1,/\n88,TEXT/", {"entry_text": "TEXT"}),
        ("16,142,100,,B1,C1,TEXT   ", {"entry_text": "TEXT"}),
        ("16,495,100/", {"direction": "D", "amount": "1.00"}),
    ],
)
def test_details(statement: Land, line: str, expected: dict[str, str]):
    (row,) = statement(detail(line)).entries
    assert {name: row.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("16,142,12.34,,B1,C1,T/", "the amount '12.34' is no whole number of minor units"),
        ("16,142,,,B1,C1,T/", "the amount '' is no whole number"),
        ("16,142,-5,,B1,C1,T/", "the amount -5 has a sign"),
        ("16,950,5,,B1,C1,T/", "the type code 950 is neither credit"),
        ("16,ABC,5,,B1,C1,T/", "the type code 'ABC' is no number"),
        ("16,142,5,V,269912,,B1,C1,T/", "the value date 269912 is no day"),
        ("what is this", "begins with no record code"),
    ],
)
def test_what_cannot_be_read_is_a_reject_and_the_rest_goes_on(statement: Land, line: str, reason: str):
    landed = statement(detail(f"{line}\n16,142,1,,,,GOOD/"))
    (reject,) = landed.rejects
    assert reason in reject["_reason"]
    assert (reject["_line_number"], reject["_raw"]) == (4, line)
    assert [row["entry_text"] for row in landed.entries] == ["GOOD"]


def test_the_amount_of_a_reject_still_counts_in_the_control_total(statement: Land):
    assert totals(statement(detail("16,950,500,,,,T/")))["ACCOUNT_CONTROL"][1] == "5.00"


def test_a_detail_without_money(statement: Land):
    landed = statement(detail("16,890,,,,,GOOD MORNING/"))
    assert (landed.entries, landed.rejects) == ([], [])


def test_summaries_alone_and_one_balance_alone(statement: Land):
    landed = statement(
        "01,A,B,260311,0630,7,,,2/\n02,A,B,1,260310,9999,USD,2/\n03,ACC,,015,-500,,,072,,,,100,900,3,S,1,2,897/\n"
        "49,400,2/\n98,400,1,4/\n99,400,1,6/\n"
    )
    assert [(row["balance_type"], row["amount"]) for row in landed.of("balance")] == [("CLOSING_ALONE", "-5.00")]
    assert totals(landed)["CREDITS_ALONE"] == ("9.00", None, None, None)
    assert totals(landed)["ACCOUNT_CONTROL"][:2] == ("4.00", "4.00")


def test_currencies_that_differ_add_up_to_no_money(statement: Land):
    group = "02,A,B,1,260310,2359,{0},2/\n03,ACC{0},,010,100,,/\n49,100,2/\n98,100,1,4/\n"
    landed = statement(f"01,A,B,260311,0630,7,,,2/\n{group.format('USD')}{group.format('JPY')}99,200,2,10/\n")
    assert totals(landed)["FILE_CONTROL"] == (None, None, "200", "200")
    assert totals(landed)["FILE_GROUPS"] == (None, None, "2", "2")


def test_an_as_of_date_that_does_not_exist_is_left_to_staging(statement: Land):
    landed = statement(WHOLE.replace(",1,260310,", ",1,269999,"))
    assert {row["booking_date"] for row in landed.entries} == {"269999"}
