"""Bank CSVs: no standard, so headers, marks and values are configuration."""

from collections.abc import Callable

from .conftest import Landed

Land = Callable[..., Landed]


def test_signed_amounts_and_a_comma_too_many(statement: Land):
    landed = statement(
        "Details,Posting Date,Description,Amount,Type,Balance,Check or Slip #\n"
        'CREDIT,03/11/2026,"ORIG CO NAME:STRIPE IND ID:ST-Q7W2",72.15,ACH_CREDIT,1072.15,,\n'
        'DEBIT,03/12/2026,"SERVICE, MONTHLY",-15.00,FEE_TRANSACTION,1057.15,,\n',
        org="harbour_pine",
    )
    assert landed.manifest["format"] == "csv"
    first, second = landed.of(None)
    assert (first["amount"], first["booking_date"], first["currency"]) == ("72.15", "03/11/2026", "USD")
    assert (second["amount"], second["entry_text"], second["account"]) == ("-15.00", "SERVICE, MONTHLY", "000987654321")


def test_german_headers(statement: Land):
    landed = statement(
        '"Auftragskonto";"Buchungstag";"Valutadatum";"Buchungstext";"Verwendungszweck";'
        '"Beguenstigter/Zahlungspflichtiger";"Betrag";"Waehrung";"Info"\n'
        '"DE21";"11.03.2026";"12.03.2026";"GUTSCHRIFT";"TX1";"MÜLLER";"1.234,56";"EUR";"Umsatz gebucht"\n'
    )
    (row,) = landed.of(None)
    told = {"account": "DE21", "booking_date": "11.03.2026", "value_date": "12.03.2026", "amount": "1.234,56"}
    told |= {"currency": "EUR", "status": "Umsatz gebucht", "counterparty_name": "MÜLLER", "entry_text": "TX1"}
    assert {name: row.get(name) for name in told} == told


def test_two_columns_of_amounts_and_a_mark(statement: Land):
    (row,) = statement("Date,Label,Debit,Credit,Balance\n2026-03-11,X,4.50,,9\n").of(None)
    assert (row["debit"], "credit" in row) == ("4.50", False)
    (row,) = statement("Date,Label,Amount,D/C,Balance\n2026-03-11,X,33.50,D,9\n").of(None)
    assert (row["amount"], row["direction"]) == ("33.50", "D")


def test_what_is_no_statement_says_what_would_be(statement: Land):
    refused = statement("one,two\n1,2\n").refused
    assert "a file in one of the formats camt053, mt940, bai2, ofx, or a header" in refused
