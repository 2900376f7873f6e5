"""MT940: fields, dialects of the text, and the oddities of real banks."""

from collections.abc import Callable

import pytest

from .conftest import Landed

Land = Callable[..., Landed]

WHOLE = """:20:STARTUMSE
:25:NL91ABNA0417164300
:28C:12/1
:60F:C260310EUR300,00
:61:2603110311C88,40NTRFNONREF//260311-0007
:86:/ORDP//NAME/ADYEN N.V./REMI/TX77000011223XT BATCH 301, PIER_EU
:61:2603110311D4,5NCHGNONREF
:86:CARD FEE MARCH
:62F:C260311EUR383,90
-
"""


def entry(line: str, text: str = "TEXT", balance: str = "C260310EUR300,00") -> str:
    """A statement with one entry."""
    return f":20:S1\n:25:ACC1\n:28C:1/1\n:60F:{balance}\n:61:{line}\n:86:{text}\n:62F:{balance}\n-\n"


def test_a_whole_statement(statement: Land):
    landed = statement(WHOLE)
    assert landed.manifest["format"] == "mt940"
    assert [row["record_type"] for row in landed.rows] == ["statement", "balance", "entry", "entry", "balance"]
    assert all(row["account"] == "NL91ABNA0417164300" and row["statement_number"] == "12" for row in landed.rows)
    opening, closing = landed.of("balance")
    assert (opening["balance_type"], opening["amount"], opening["booking_date"]) == ("OPENING", "300.00", "2026-03-10")
    assert (closing["balance_type"], closing["amount"], closing["direction"]) == ("CLOSING", "383.90", "C")
    payout, fee = landed.entries
    assert payout == {
        **{name: payout[name] for name in ("account", "statement_id", "statement_index", "statement_number")},
        "page_number": "1",
        "record_type": "entry",
        "entry_index": "1",
        "currency": "EUR",
        "amount": "88.40",
        "direction": "C",
        "status": "BOOK",
        "booking_date": "2026-03-11",
        "value_date": "2026-03-11",
        "bank_ref": "260311-0007",
        "counterparty_name": "ADYEN N.V.",
        "entry_text": "TX77000011223XT BATCH 301, PIER_EU",
        "type_code": "NTRF",
        "_row_number": 3,
    }
    assert (fee["amount"], fee["direction"], fee["entry_text"], "bank_ref" in fee) == (
        "4.5",
        "D",
        "CARD FEE MARCH",
        False,
    )


def test_the_name_of_the_file_does_not_matter(statement: Land):
    assert {statement(WHOLE, name).manifest["format"] for name in ("a.csv", "b.sta", "c", "d.xml")} == {"mt940"}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("2603110311C9,NTRFX", {"amount": "9", "customer_ref": "X"}),
        ("260311C0,12NTRF", {"amount": "0.12", "value_date": "2026-03-11"}),
        ("260311    C1,00NTRFNONREF//B", {"bank_ref": "B"}),
        ("260311CR1,00NTRF", {"direction": "C"}),
        ("260311DR1,00NTRF", {"direction": "D"}),
        ("260311RC1,00NTRF", {"direction": "D", "is_reversal": "true"}),
        ("260311RDR1,00NTRF", {"direction": "C", "is_reversal": "true"}),
        ("260311EC1,00NTRF", {"direction": "C", "status": "PDNG"}),
        ("2601021231C1,00NTRF", {"value_date": "2026-01-02", "booking_date": "2025-12-31"}),
        ("2512310102C1,00NTRF", {"value_date": "2025-12-31", "booking_date": "2026-01-02"}),
        (
            "160230C1,00NTRF",
            {"value_date": "2016-02-29", "note": "value date 160230 does not exist, read as 2016-02-29"},
        ),
        ("991231C1,00NTRF", {"value_date": "1999-12-31"}),
        ("260311C1,00S103REF//BANKREF", {"type_code": "S103", "customer_ref": "REF", "bank_ref": "BANKREF"}),
        ("260311C0,00NMSCNONREF", {"amount": "0.00"}),
    ],
)
def test_entries(statement: Land, line: str, expected: dict[str, str]):
    (row,) = statement(entry(line)).entries
    assert {name: row.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("261311C1,00NTRF", "value date 261311 is no day"),
        ("260311X1,00NTRF", "the line :61: is not value date, mark, amount and references"),
        ("260311C1.000,00NTRF", "the amount '1.000,00' is not digits with one comma"),
        ("260311C,NTRF", "is no plain decimal"),
        ("2603119999C1,00NTRF", "entry date 9999 is no day"),
        ("", "the line :61: is not value date"),
    ],
)
def test_what_cannot_be_read_is_a_reject_and_the_rest_goes_on(statement: Land, line: str, reason: str):
    landed = statement(entry(line) + WHOLE)
    (reject,) = landed.rejects
    assert reason in reject["_reason"]
    assert (reject["_line_number"], reject["_line_span"], reject["_raw"]) == (5, 2, f":61:{line}\n:86:TEXT")
    assert len(landed.entries) == 2
    assert len(landed.of("balance")) == 4


def test_german_subfields(statement: Land):
    text = (
        "166?00GUTSCHRIFT?20EREF+TX77000011223XT?21SVWZ+TX77000011223XT BATCH\n"
        " 3?2201, PIER_EU?30DEUTDEFF?31DE0210010010?32ADYEN N.V?33. AMSTERDAM"
    )
    (row,) = statement(entry("260311C1,00NTRF", text)).entries
    assert row["entry_text"] == "GUTSCHRIFT TX77000011223XT BATCH 301, PIER_EU"
    assert (row["end_to_end_id"], row["counterparty_name"]) == ("TX77000011223XT", "ADYEN N.V. AMSTERDAM")
    assert row["counterparty_account"] == "DE0210010010"


@pytest.mark.parametrize("text", ["260-15 RENT AND 9?20 MORE", "123.45 EUR BACK", "100?99 WHAT"])
def test_free_text_that_looks_a_little_german(statement: Land, text: str):
    (row,) = statement(entry("260311C1,00NTRF", text)).entries
    assert row["entry_text"] == text


def test_words_cut_at_27_characters_are_joined(statement: Land):
    words = "PAYPAL TRANSFER 104000000123456 HARBOUR AND PINE LIMITED"
    fields = "".join(f"?{20 + n}{words[at : at + 27]}" for n, at in enumerate(range(0, len(words), 27)))
    (row,) = statement(entry("260311C1,00NTRF", f"166?00GUTSCHRIFT{fields}?32PAYPAL")).entries
    assert row["entry_text"] == f"GUTSCHRIFT {words}"


def test_text_over_several_lines(statement: Land):
    (row,) = statement(entry("260311C1,00NTRFREF//B\n/OCMT/EUR1,00/", "STRIPE\nTRANSFER\n\nST-K4J7")).entries
    assert row["entry_text"] == "STRIPE TRANSFER ST-K4J7 /OCMT/EUR1,00/"


def test_dutch_counterparty(statement: Land):
    text = "/TRTP/SEPA OVERBOEKING/IBAN/NL02ABNA0123456789/BIC/ABNANL2A/NAME/PIER BV/EREF/NOTPROVIDED/REMI/USTD//INV 7/"
    (row,) = statement(entry("260311C1,00NTRF", text)).entries
    assert (row["counterparty_name"], row["counterparty_account"]) == ("PIER BV", "NL02ABNA0123456789")
    assert (row["entry_text"], "end_to_end_id" in row) == ("INV 7", False)


@pytest.mark.parametrize(
    "before",
    [
        "{1:F01ABNANL2AXXXX0000000000}{2:I940ABNANL2AXN}{4:\n",
        "ABNANL2A\n940\nABNANL2A\n",
        "\x01",
        "\r\n\r\n",
        "{1:F01ABNANL2AXXXX}{2:O940}{4:",
    ],
)
@pytest.mark.parametrize("after", ["", "-}{5:{CHK:1}}\n", "-\n\n"])
def test_envelopes(statement: Land, before: str, after: str):
    landed = statement(before + WHOLE.removesuffix("-\n") + after)
    assert (landed.manifest["format"], len(landed.entries), landed.rejects) == ("mt940", 2, [])


def test_several_statements_and_pages(statement: Land):
    second = WHOLE.replace(":28C:12/1", ":28C:13/1").replace("62F", "62M")
    landed = statement(WHOLE + second)
    assert [row["statement_index"] for row in landed.of("statement")] == ["1", "2"]
    assert [row["statement_number"] for row in landed.of("statement")] == ["12", "13"]
    assert [row["balance_type"] for row in landed.of("balance")] == ["OPENING", "CLOSING"] * 2
    assert [row["entry_index"] for row in landed.entries] == ["1", "2", "1", "2"]


def test_an_interim_report_is_pending(statement: Land):
    report = ":20:S\n:25:A\n:28C:1\n:34F:EUR0,00\n:61:260311C1,00NTRF\n:86:X\n:90D:0EUR0,00\n"
    landed = statement(report)
    assert [row["status"] for row in landed.entries] == ["PDNG"]


def test_text_behind_the_closing_balance_and_unknown_fields(statement: Land):
    landed = statement(WHOLE.removesuffix("-\n") + ":86:END OF STATEMENT\n:99:WHAT\n-\n")
    assert [reject["_reason"] for reject in landed.rejects] == ["the field :99: is not one of a statement"]


def test_a_file_that_is_cut_short(statement: Land):
    landed = statement(WHOLE[: WHOLE.index(":62F:") - 12])
    assert len(landed.entries) == 2
    assert [row["balance_type"] for row in landed.of("balance")] == ["OPENING"]


def test_an_iban_with_its_currency(statement: Land):
    landed = statement(WHOLE.replace(":25:NL91ABNA0417164300", ":25:NL91ABNA0417164300 EUR"))
    assert landed.rows[0]["account"] == "NL91ABNA0417164300"


def test_encodings_and_damage(statement: Land):
    german = entry("260311C1,00NTRF", "166?00GUTSCHRIFT?20GRÜSSE?32MÜLLER")
    for encoding in ("utf-8", "cp1252", "utf-16"):
        (row,) = statement(german.encode(encoding)).entries
        assert row["counterparty_name"] == "MÜLLER"
    landed = statement(german.encode() + entry("260311C1,00NTRF", "BAD \udce9").encode("utf-8", "surrogateescape"))
    (reject,) = landed.rejects
    assert "not valid UTF-8" in reject["_reason"]
    assert reject["_raw"].endswith("BAD \\xe9")
