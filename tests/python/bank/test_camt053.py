"""CAMT.053: versions, references, what a statement says of itself, and XML that is refused."""

from collections.abc import Callable

import pytest

from .conftest import Landed

Land = Callable[..., Landed]

BALANCE = (
    "<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy='EUR'>{amount}</Amt><CdtDbtInd>{mark}</CdtDbtInd>"
    "<Dt><Dt>2026-03-1{day}</Dt></Dt></Bal>\n"
)
DETAIL = (
    "<TxDtls><Refs><EndToEndId>TX77000011223XT</EndToEndId></Refs><RltdPties><Dbtr>{party}</Dbtr></RltdPties>"
    "<RmtInf><Ustrd>TX77000011223XT batch 301,</Ustrd><Ustrd>PIER_EU</Ustrd></RmtInf></TxDtls>"
)


def entry(
    amount: str = "88.40",
    mark: str = "<CdtDbtInd>CRDT</CdtDbtInd>",
    status: str = "<Sts><Cd>BOOK</Cd></Sts>",
    rest: str = "<AcctSvcrRef>260311-0007</AcctSvcrRef>",
    details: str = DETAIL.format(party="<Pty><Nm>ADYEN N.V.</Nm></Pty>"),
) -> str:
    """One entry over three lines."""
    return (
        f"<Ntry><Amt Ccy='EUR'>{amount}</Amt>{mark}{status}\n<BookgDt><Dt>2026-03-11</Dt></BookgDt>"
        f"<ValDt><Dt>2026-03-11</Dt></ValDt>{rest}\n<NtryDtls>{details}</NtryDtls></Ntry>\n"
    )


def statement_of(*parts: str, number: str = "12", prefix: str = "", version: str = "08") -> str:
    """A document with one statement."""
    body = (
        f"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}'>\n<BkToCstmrStmt><GrpHdr/>\n"
        f"<Stmt><Id>S-{number}</Id><ElctrncSeqNb>{number}</ElctrncSeqNb><CreDtTm>2026-03-11T22:00:00+01:00</CreDtTm>\n"
        "<Acct><Id><IBAN>DE02100100109307118603</IBAN></Id><Ccy>EUR</Ccy></Acct>\n"
        f"{''.join(parts)}</Stmt>\n</BkToCstmrStmt>\n</Document>\n"
    )
    if prefix:
        body = body.replace("</", f"</{prefix}:").replace("<", f"<{prefix}:").replace(f"<{prefix}:/", "</")
        body = body.replace("xmlns=", f"xmlns:{prefix}=")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + body


OPENING = BALANCE.format(code="OPBD", amount="300.00", mark="CRDT", day=0)
CLOSING = BALANCE.format(code="CLBD", amount="388.40", mark="CRDT", day=1)


@pytest.mark.parametrize("prefix", ["", "n0"])
@pytest.mark.parametrize("version", ["02", "04", "06", "08", "11"])
def test_a_whole_statement(statement: Land, prefix: str, version: str):
    landed = statement(statement_of(OPENING, CLOSING, entry(), prefix=prefix, version=version))
    assert landed.manifest["format"] == "camt053"
    assert [row["record_type"] for row in landed.rows] == ["statement", "balance", "balance", "entry"]
    assert landed.rows[0]["account"] == "DE02100100109307118603"
    assert landed.rows[0]["statement_number"] == "12"
    assert [row["balance_type"] for row in landed.of("balance")] == ["OPENING", "CLOSING"]
    (row,) = landed.entries
    told = {"amount": "88.40", "direction": "C", "status": "BOOK", "currency": "EUR", "bank_ref": "260311-0007"}
    told |= {"booking_date": "2026-03-11", "value_date": "2026-03-11", "end_to_end_id": "TX77000011223XT"}
    told |= {"counterparty_name": "ADYEN N.V.", "entry_text": "TX77000011223XT batch 301, PIER_EU"}
    assert {name: row.get(name) for name in told} == told


def test_version_02_has_its_party_and_status_elsewhere(statement: Land):
    details = DETAIL.format(party="<Nm>ADYEN N.V.</Nm>")
    (row,) = statement(statement_of(entry(status="<Sts>PDNG</Sts>", details=details), version="02")).entries
    assert (row["counterparty_name"], row["status"]) == ("ADYEN N.V.", "PDNG")


def test_all_on_one_line(statement: Land):
    landed = statement(statement_of(OPENING, CLOSING, entry(), entry("1.00")).replace("\n", ""))
    assert (landed.manifest["physical_lines"], len(landed.entries)) == (1, 2)


def test_a_reversal_keeps_the_direction_of_the_booking(statement: Land):
    rest = "<RvslInd>true</RvslInd>"
    (row,) = statement(statement_of(entry(mark="<CdtDbtInd>DBIT</CdtDbtInd>", rest=rest))).entries
    assert (row["direction"], row["is_reversal"], row["counterparty_name"]) == ("D", "true", "ADYEN N.V.")


def test_a_batch_of_details_is_one_entry(statement: Land):
    details = "".join(DETAIL.replace("TX77000011223XT", f"E{n}").format(party="<Nm>X</Nm>") for n in range(200))
    (row,) = statement(statement_of(entry(details=details))).entries
    assert row["note"] == "200 transactions"
    assert "end_to_end_id" not in row
    assert "E49" in row["entry_text"]
    assert "E50" not in row["entry_text"]


def transaction(reference: str, amount: str = "", mark: str = "", rest: str = "") -> str:
    """One transaction of an entry that has several."""
    return (
        f"<TxDtls><Refs><EndToEndId>{reference}</EndToEndId></Refs>{amount}{mark}<RltdPties><Dbtr><Nm>{reference} LTD"
        f"</Nm></Dbtr></RltdPties><RmtInf><Ustrd>{reference} PAID</Ustrd></RmtInf>{rest}</TxDtls>"
    )


AMOUNT = "<Amt Ccy='{currency}'>{amount}</Amt>"
OLD_AMOUNT = f"<AmtDtls><InstdAmt><Amt Ccy='USD'>1.00</Amt></InstdAmt><TxAmt>{AMOUNT}</TxAmt></AmtDtls>"


def of(amount: str, currency: str = "EUR", form: str = AMOUNT) -> str:
    """What a transaction says that it is of."""
    return form.format(amount=amount, currency=currency)


@pytest.mark.parametrize("form", [AMOUNT, OLD_AMOUNT])
@pytest.mark.parametrize(("mark", "direction"), [("CRDT", "C"), ("DBIT", "D")])
def test_transactions_that_make_up_their_entry_stand_for_it(statement: Land, form: str, mark: str, direction: str):
    claims = (
        "<TxsSummry><TtlNtries><NbOfNtries>1</NbOfNtries><Sum>88.40</Sum></TtlNtries></TxsSummry>\n"
        if mark == "CRDT"
        else ""
    )
    details = transaction("E1", of("50.00", form=form)) + transaction("E2", of("38.40", form=form))
    landed = statement(statement_of(claims, entry(mark=f"<CdtDbtInd>{mark}</CdtDbtInd>", details=details)))
    shown = ("amount", "direction", "end_to_end_id", "entry_text", "bank_ref", "entry_index", "booking_date", "note")
    note = "transaction {} of 2 of one booking of 88.40"
    common = ("260311-0007",)
    assert [tuple(row.get(name) for name in shown) for row in landed.entries] == [
        ("50.00", direction, "E1", "E1 PAID", *common, "1", "2026-03-11", note.format(1)),
        ("38.40", direction, "E2", "E2 PAID", *common, "2", "2026-03-11", note.format(2)),
    ]
    # The bank counts what it booked.
    counted = [(row["counted_items"], row["counted_amount"]) for row in landed.of("total")]
    assert counted == ([("1", "88.40")] if claims else [])


def test_a_transaction_may_go_the_other_way_and_have_a_reference_of_its_own(statement: Land):
    back = transaction("E2", of("11.60"), "<CdtDbtInd>DBIT</CdtDbtInd>").replace(
        "<Refs>", "<Refs><AcctSvcrRef>OWN-2</AcctSvcrRef>"
    )
    landed = statement(statement_of(entry(details=transaction("E1", of("100.00")) + back)))
    shown = ("amount", "direction", "bank_ref", "counterparty_name")
    assert [tuple(row.get(name) for name in shown) for row in landed.entries] == [
        ("100.00", "C", "260311-0007", "E1 LTD"),
        # of a debit the creditor is the other party, and it names none
        ("11.60", "D", "OWN-2", None),
    ]


@pytest.mark.parametrize(
    "details",
    [
        # the bank's charges are netted
        transaction("E1", of("50.00")) + transaction("E2", of("38.50")),
        # it withholds what it knows of one
        transaction("E1", of("88.40")) + transaction("E2"),
        # an amount in another currency, one that cannot be read, and one with a sign
        transaction("E1", of("50.00")) + transaction("E2", of("38.40", "USD")),
        transaction("E1", of("88.40")) + transaction("E2", of("nil")),
        transaction("E1", of("100.00")) + transaction("E2", of("-11.60")),
        # a direction that is none, parts of a cent, and one of nothing
        transaction("E1", of("50.00")) + transaction("E2", of("38.40"), "<CdtDbtInd>XX</CdtDbtInd>"),
        transaction("E1", of("44.205")) + transaction("E2", of("44.195")),
        transaction("E1", of("88.40")) + transaction("E2", of("0.00")),
        # of more transactions than are kept of one entry
        "".join(transaction(f"E{n}", of("8.40" if n == 0 else "0.04")) for n in range(2001)),
    ],
    ids=["netted", "withheld", "currency", "unreadable", "signed", "marked", "half cents", "nothing", "too many"],
)
def test_transactions_that_do_not_make_up_their_entry_leave_it_whole(statement: Land, details: str):
    (row,) = statement(statement_of(entry(details=details))).entries
    assert (row["amount"], row["bank_ref"]) == ("88.40", "260311-0007")
    assert row["note"] == f"{details.count('<TxDtls>')} transactions"
    assert row["entry_text"].startswith(
        "E1 PAID E1 E2 PAID" if details.count("<TxDtls>") == 2 else "E0 PAID E0 E1 PAID"
    )


def test_sums_beyond_what_a_number_holds_are_not_taken_for_equal(statement: Land):
    huge = "1" + "0" * 31
    details = transaction("E1", of(huge)) + transaction("E2", of("0.01"))
    (row,) = statement(statement_of(entry(amount=huge, details=details))).entries
    assert row["note"] == "2 transactions"


BARE = "<TxDtls><Refs><EndToEndId>{id}</EndToEndId></Refs>{amount}{told}</TxDtls>"


@pytest.mark.parametrize(
    ("booking", "texts", "expected"),
    [
        # who pays is said of the booking alone
        (
            "STRIPE PAYMENTS UK",
            ("ST-ABC123", "ST-DEF456"),
            ("ST-ABC123 STRIPE PAYMENTS UK", "ST-DEF456 STRIPE PAYMENTS UK"),
        ),
        # whose reference the booking repeats is known where a transaction has it too, in whatever spelling
        (
            "Stripe st-abc123 and 1 more",
            ("ST ABC123", ""),
            ("ST ABC123 Stripe st-abc123 and 1 more", "Stripe and 1 more"),
        ),
        ("STRIPE ST-ABC123", ("", ""), ("STRIPE ST-ABC123", "STRIPE ST-ABC123")),
        ("ID1 ID2", ("", ""), ("ID1", "ID2")),
        ("ID2", ("", ""), (None, "ID2")),
    ],
)
def test_what_a_booking_says_is_said_of_those_of_its_transactions_that_it_fits(
    statement: Land, booking: str, texts: tuple[str, str], expected: tuple[str | None, str | None]
):
    details = "".join(
        BARE.format(id=f"ID{n}", amount=of(amount), told=f"<RmtInf><Ustrd>{text}</Ustrd></RmtInf>" if text else "")
        for n, amount, text in ((1, "50.00", texts[0]), (2, "38.40", texts[1]))
    )
    whole = entry(details=details).replace("</NtryDtls>", f"</NtryDtls><AddtlNtryInf>{booking}</AddtlNtryInf>")
    assert tuple(row.get("entry_text") for row in statement(statement_of(whole)).entries) == expected


def test_a_returned_payout(statement: Land):
    details = DETAIL.format(party="<Nm>X</Nm>").replace("<RmtInf>", "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf><RmtInf>")
    (row,) = statement(statement_of(entry(details=details))).entries
    assert row["note"] == "returned: AC04"


def test_times_and_offsets_keep_the_banks_own_day(statement: Land):
    text = statement_of(entry()).replace(
        "<BookgDt><Dt>2026-03-11</Dt>", "<BookgDt><DtTm>2026-03-11T23:30:00-05:00</DtTm>"
    )
    (row,) = statement(text.replace("<ValDt><Dt>2026-03-11</Dt>", "<ValDt><Dt>2026-03-12+01:00</Dt>")).entries
    assert (row["booking_date"], row["value_date"]) == ("2026-03-11", "2026-03-12")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"amount": "12,50"}, "the amount '12,50' is no plain decimal"),
        ({"amount": "-5"}, "is no plain decimal"),
        ({"amount": ""}, "no amount (Amt)"),
        ({"mark": ""}, "CdtDbtInd is missing"),
        ({"mark": "<CdtDbtInd>CREDIT</CdtDbtInd>"}, "CdtDbtInd is CREDIT"),
    ],
)
def test_what_cannot_be_read_is_a_reject_and_the_rest_goes_on(statement: Land, fault: dict[str, str], reason: str):
    landed = statement(statement_of(OPENING, CLOSING, entry(**fault), entry()))
    (reject,) = landed.rejects
    assert reason in reject["_reason"]
    assert (reject["_line_number"], reject["_line_span"]) == (8, 3)
    assert reject["_raw"].startswith("<Ntry><Amt Ccy='EUR'>")
    assert "PIER_EU" in reject["_raw"]
    assert len(landed.entries) == 1


def test_amounts_of_five_decimals_pass_on(statement: Land):
    landed = statement(statement_of(entry("18.150"), entry("15.195768"), entry(".5"), entry("7.")))
    assert [row["amount"] for row in landed.entries] == ["18.150", "15.195768", "0.5", "7"]


def test_the_sums_that_a_statement_claims(statement: Land):
    claims = (
        "<TxsSummry><TtlNtries><NbOfNtries>3</NbOfNtries><Sum>90.40</Sum></TtlNtries><TtlCdtNtries>"
        "<NbOfNtries>1</NbOfNtries><Sum>88.40</Sum></TtlCdtNtries></TxsSummry>\n"
    )
    pending = entry("5.00", status="<Sts><Cd>PDNG</Cd></Sts>")
    debit = entry("2.00", mark="<CdtDbtInd>DBIT</CdtDbtInd>")
    landed = statement(statement_of(OPENING, CLOSING, claims, entry(), debit, pending))
    shown = ("balance_type", "amount", "counted_amount", "item_count", "counted_items")
    assert [tuple(row[name] for name in shown) for row in landed.of("total")] == [
        ("ENTRIES", "90.40", "90.40", "3", "2"),
        ("CREDITS", "88.40", "88.40", "1", "1"),
    ]


def test_two_openings(statement: Land):
    """Some banks give the booked and the previously closed balance."""
    landed = statement(statement_of(OPENING.replace("OPBD", "PRCD"), OPENING, CLOSING, entry()))
    assert [row["balance_type"] for row in landed.of("balance")] == ["OPENING", "OPENING_OTHER", "CLOSING"]


@pytest.mark.parametrize(
    ("page", "codes", "kinds"),
    [
        ("<PgNb>1</PgNb><LastPgInd>false</LastPgInd>", ("OPBD", "ITBD"), ["OPENING", "CLOSING"]),
        ("<PgNb>2</PgNb><LastPgInd>false</LastPgInd>", ("ITBD", "ITBD"), ["OPENING", "CLOSING"]),
        ("<PgNb>3</PgNb><LastPgInd>true</LastPgInd>", ("ITBD", "CLBD"), ["OPENING", "CLOSING"]),
        ("<PgNb>1</PgNb><LastPgInd>true</LastPgInd>", ("OPBD", "ITBD", "CLBD"), ["OPENING", "INTERIM", "CLOSING"]),
        ("", ("ITBD", "CLBD"), ["INTERIM", "CLOSING"]),
    ],
)
def test_what_a_page_ends_with_the_next_begins_with(
    statement: Land, page: str, codes: tuple[str, ...], kinds: list[str]
):
    balances = [BALANCE.format(code=code, amount="1.00", mark="CRDT", day=1) for code in codes]
    text = statement_of(*balances).replace("</Id><ElctrncSeqNb>", f"</Id><StmtPgntn>{page}</StmtPgntn><ElctrncSeqNb>")
    assert [row["balance_type"] for row in statement(text).of("balance")] == kinds


def test_a_part_of_a_document(statement: Land):
    assert len(statement(entry()).entries) == 1


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (statement_of(OPENING, entry())[:-40], "XML that is broken or cut short"),
        (statement_of(OPENING, entry()).replace("</Amt>", "</Amt", 1), "XML that is broken or cut short at line 6"),
        (statement_of(entry()).replace("PIER_EU", "PIER \x01 EU"), "XML that is broken"),
        (statement_of(entry()).replace("BkToCstmrStmt", "BkToCstmrAcctRpt"), "an intraday report (camt.052)"),
        (statement_of(entry()).replace("BkToCstmrStmt", "BkToCstmrDbtCdtNtfctn"), "a notification (camt.054)"),
        (statement_of(entry() + "<X>" * 70 + "</X>" * 70), "XML of more than 64 levels"),
    ],
)
def test_what_is_refused(statement: Land, text: str, found: str):
    assert found in statement(text).refused


def test_entities_are_refused(statement: Land):
    bomb = '<!DOCTYPE Document [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>\n'
    text = statement_of(entry().replace("PIER_EU", "&b;")).replace("?>\n", f"?>\n{bomb}", 1)
    assert "a document type declaration" in statement(text).refused
    outside = '<!DOCTYPE Document [<!ENTITY f SYSTEM "file:///etc/hostname">]>\n'
    text = statement_of(entry().replace("PIER_EU", "&f;")).replace("?>\n", f"?>\n{outside}", 1)
    assert "a document type declaration" in statement(text).refused


def test_encodings(statement: Land):
    text = statement_of(entry().replace("ADYEN N.V.", "MÜLLER & SÖHNE €").replace("&", "&amp;"))
    for encoding, named in (("utf-8", "UTF-8"), ("iso-8859-15", "ISO-8859-15"), ("utf-16", "UTF-16")):
        (row,) = statement(text.replace("UTF-8", named).encode(encoding)).entries
        assert row["counterparty_name"] == "MÜLLER & SÖHNE €"


def test_a_text_beyond_all_measure_is_cut(statement: Land):
    (row,) = statement(statement_of(entry().replace("PIER_EU", "x" * 400_000))).entries
    assert len(row["entry_text"]) < 70_000
