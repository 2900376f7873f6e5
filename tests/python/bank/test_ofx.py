"""OFX: SGML and XML, and what real banks make of them."""

from collections.abc import Callable

import pytest

from .conftest import Landed

Land = Callable[..., Landed]

HEADER = "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nENCODING:USASCII\nCHARSET:1252\n\n"


def transaction(
    amount: str = "72.15", posted: str = "20260311120000[-5:EST]", rest: str = "<FITID>77<NAME>STRIPE"
) -> str:
    """A transaction as SGML, on one line."""
    return f"<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>{posted}<TRNAMT>{amount}{rest}<MEMO>STRIPE TRANSFER ST-Q7W2</STMTTRN>\n"


def document(*transactions: str, header: str = HEADER) -> str:
    """A whole document as SGML."""
    return (
        f"{header}<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS>\n<CURDEF>USD\n<BANKACCTFROM><BANKID>1<ACCTID>7654321\n"
        f"</BANKACCTFROM>\n<BANKTRANLIST><DTSTART>20260301<DTEND>20260311\n{''.join(transactions)}</BANKTRANLIST>\n"
        "<LEDGERBAL><BALAMT>1072.15<DTASOF>20260311</LEDGERBAL>\n</STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>\n"
    )


def test_sgml(statement: Land):
    landed = statement(document(transaction(), transaction("-3.00")))
    assert landed.manifest["format"] == "ofx"
    (head,) = landed.of("statement")
    assert (head["account"], head["currency"], head["booking_date"]) == ("7654321", "USD", "2026-03-11")
    first, second = landed.entries
    told = {"amount": "72.15", "booking_date": "2026-03-11", "bank_ref": "77", "counterparty_name": "STRIPE"}
    told |= {"entry_text": "STRIPE TRANSFER ST-Q7W2", "currency": "USD", "type_code": "CREDIT"}
    assert {name: first.get(name) for name in told} == told
    assert second["amount"] == "-3.00"
    (balance,) = landed.of("balance")
    assert (balance["balance_type"], balance["amount"], balance["booking_date"]) == ("LEDGER", "1072.15", "2026-03-11")


def test_xml(statement: Land):
    values = {"TRNTYPE": "CREDIT", "DTPOSTED": "20260311", "TRNAMT": "72.15", "FITID": "77", "MEMO": "A &amp; B"}
    body = "".join(f"<{name}>{value}</{name}>\n" for name, value in values.items())
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<?OFX OFXHEADER="200" VERSION="211"?>\n<OFX><STMTRS>\n'
        "<CURDEF>EUR</CURDEF><BANKACCTFROM><ACCTID>1</ACCTID></BANKACCTFROM>\n<BANKTRANLIST>\n<STMTTRN>\n"
        f"{body}<PAYEE><NAME>STRIPE</NAME></PAYEE>\n</STMTTRN>\n</BANKTRANLIST></STMTRS></OFX>\n"
    )
    (row,) = statement(text).entries
    assert (row["amount"], row["entry_text"], row["counterparty_name"]) == ("72.15", "A & B", "STRIPE")


def test_all_on_one_line(statement: Land):
    landed = statement(document(transaction(), transaction(), header="OFXHEADER:100 DATA:OFXSGML ").replace("\n", ""))
    assert (landed.manifest["physical_lines"], len(landed.entries)) == (1, 2)


def test_elements_that_are_never_closed(statement: Land):
    text = document(transaction().replace("<", "\n<").removesuffix("\n"), transaction())
    assert [row["amount"] for row in statement(text.replace("</STMTTRN>", "")).entries] == ["72.15", "72.15"]


@pytest.mark.parametrize(
    ("amount", "read"),
    [
        ("2000,00", "2000.00"),
        ("+1 006,60", "1006.60"),
        ("1.234,56", "1234.56"),
        ("-1,234,567.8", "-1234567.8"),
        ("7.", "7"),
    ],
)
def test_amounts_of_real_banks(statement: Land, amount: str, read: str):
    assert [row["amount"] for row in statement(document(transaction(amount))).entries] == [read]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"amount": "1,234"}, "can be read two ways"),
        ({"amount": "1.2.3"}, "two decimal marks"),
        ({"amount": "12e3"}, "is no plain decimal"),
        ({"amount": ""}, "no amount (TRNAMT)"),
        ({"posted": "00000000"}, "DTPOSTED 00000000 is no day"),
        ({"posted": "110326"}, "DTPOSTED is '110326', no date YYYYMMDD"),
    ],
)
def test_what_cannot_be_read_is_a_reject_and_the_rest_goes_on(statement: Land, fault: dict[str, str], reason: str):
    landed = statement(document(transaction(**fault), transaction()))
    (reject,) = landed.rejects
    assert reason in reject["_reason"]
    assert (reject["_line_number"], reject["_raw"]) == (12, transaction(**fault).strip())
    assert len(landed.entries) == 1


def test_a_document_that_is_cut_short(statement: Land):
    text = document(transaction(), transaction())
    landed = statement(text[: text.rindex("<MEMO>")])
    assert len(landed.entries) == 1
    assert "cut short" in landed.rejects[0]["_reason"]
    assert [row["balance_type"] for row in landed.of("total")] == ["FILE_END"]


def test_several_statements(statement: Land):
    other = document(transaction("1.00")).replace("7654321", "99").removeprefix(HEADER)
    landed = statement(document(transaction()) + other)
    assert [(row["account"], row["statement_index"]) for row in landed.entries] == [("7654321", "1"), ("99", "2")]


def test_references_that_are_none(statement: Land):
    (row,) = statement(document(transaction(rest="<FITID><NAME><CHKNUM>12"))).entries
    assert ("bank_ref" in row, "counterparty_name" in row, row["customer_ref"]) == (False, False, "12")


def test_a_value_over_two_lines_and_blank_lines(statement: Land):
    (row,) = statement(document(transaction().replace("TRANSFER ", "TRANSFER\n\n"))).entries
    assert row["entry_text"] == "STRIPE TRANSFER ST-Q7W2"


def test_tags_outside_of_the_specification_and_blank_lines_before_the_header(statement: Land):
    odd = transaction().replace("<FITID>", "<X.BANK>hello<FITID>")
    landed = statement(document(odd, header="\n\nOFXHEADER:100\n"))
    assert [row["bank_ref"] for row in landed.entries] == ["77"]


@pytest.mark.parametrize("charset", ["1252", "8859-1", "NONE"])
def test_charsets(statement: Land, charset: str):
    text = document(transaction(rest="<NAME>MÜLLER"), header=HEADER.replace("1252", charset))
    assert [row["counterparty_name"] for row in statement(text.encode("cp1252")).entries] == ["MÜLLER"]


def test_transactions_alone(statement: Land):
    landed = statement(transaction() + transaction("120.38"))
    assert [row["amount"] for row in landed.entries] == ["72.15", "120.38"]
