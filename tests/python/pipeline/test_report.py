"""The readable summary: right numbers, and never wider than 100 columns."""

import io
from dataclasses import replace

from rich.console import Console

from orchestration.report import WIDTH, show, show_exceptions
from orchestration.summary import Balance, Facts, Group, LargeException, Summary, results_hash

FACTS = Facts(
    streams=["sales"],
    systems={"sales": ["pos", "oms"]},
    groups=[
        Group("acme", "sales", "MATCHED", "EUR", 90, 900_000, 0, 5),
        Group("acme", "sales", "MISMATCHED", "EUR", 4, 40_000, -250, 5),
        Group("acme", "sales", "MISSING_TARGET", "EUR", 6, 60_000, 0, 5),
        Group("acme", "sales", "PENDING", "JPY", 1, 4_700, 0, 5),
        *[
            Group("acme", "sales", "MATCHED", currency, 10**6, 10**15, 0, 0)
            for currency in ("AED", "CHF", "GBP", "KWD", "SEK", "USD")
        ],
    ],
    exponents={"EUR": 2, "JPY": 0, "KWD": 3, "CHF": 2, "AED": 2, "GBP": 2, "SEK": 2, "USD": 2},
    exceptions_open=10,
    largest=[
        LargeException(
            "e1", "acme", "sales", "MISSING_OMS", "EUR", 12_345, "Order A1 is in pos. " * 12, "Ask.", "a.csv row 7"
        )
    ],
    balances=[Balance("live", 12, 0), Balance("handover", 3, 1)],
)
SUMMARY = Summary(
    run_id="20260303T060000Z-abcdef01",
    as_of="2026-03-03T06:00:00.000000Z",
    target="duckdb",
    landed={"batches": 2, "rows": 100, "rejected": 1, "redelivered": 1, "failed_files": 1},
    laws={"passed": 4, "failed": 0},
    facts=FACTS,
    timings={"landing": 0.4, "load": 0.0, "dbt": 8.1, "publish": 0.2, "total": 8.7},
    replay=False,
    published="/data/published",
    failures=[],
)


def shown(summary: Summary) -> str:
    out = io.StringIO()
    show(summary, Console(file=out, width=WIDTH))
    return out.getvalue()


def test_it_fits_and_says_the_numbers() -> None:
    text = shown(SUMMARY)
    # All but the command that is there to be copied.
    assert max(len(line) for line in text.splitlines() if "import duckdb" not in line) <= WIDTH
    for words in (
        "The books closed.",
        "as of 2026-03-03 06:00:00 UTC",
        "Missing in oms",
        "10,000,000,000,000.00",
        "123.45 EUR",
        "a.csv row 7",
        "1 broken, 15 held: handover (1)",
        "2 new files with 100 rows, 1 rejected, 1 already known, 1 unreadable",
        "more currencies",
        "tieout.duckdb",
        "8.7 s (landing 0.4 s, dbt 8.1 s, publish 0.2 s)",
    ):
        assert words in text, words


def test_one_is_one_and_a_word_that_is_missing_stops_nothing() -> None:
    silent = replace(FACTS.largest[0], explanation=None, currency="XTS")
    facts = replace(FACTS, exceptions_open=1, largest=[silent])
    landed = {**SUMMARY.landed, "batches": 1, "rows": 1}
    text = shown(replace(SUMMARY, facts=facts, landed=landed))
    for words in (
        "1 new file with 1 row, 1 rejected",
        "1 open; the largest:",
        "12,345 minor units of XTS",
        "a.csv row 7",
    ):
        assert words in text, words


def test_what_was_rejected_is_told_where_nothing_else_came() -> None:
    text = shown(replace(SUMMARY, facts=replace(FACTS, groups=[], rejected=2)))
    assert "sales  no records yet: 2 records delivered and rejected, see below." in text
    assert "Rejected          2 records of all deliveries, why: marts.rejected_records" in text
    text = shown(replace(SUMMARY, facts=replace(FACTS, groups=[])))
    assert "sales  no records yet: deliver files to the inbox and run again." in text
    assert "Rejected" not in text


def test_exceptions_are_listed_in_words() -> None:
    found = [
        {
            "exception_id": "0" * 32,
            "org_id": "acme",
            "stream": "sales",
            "anomaly": "MISSING_OMS",
            "state": state,
            "resolution": "EXPLAINED" if state == "RESOLVED" else None,
            "severity": "HIGH",
            "owner": "bea" if state == "RESOLVED" else None,
            "strategy_note": "rule small has stopped" if state == "OPEN" else None,
            "accepted_by": "till" if state == "OPEN" else None,
            "is_overdue": state == "OPEN",
            "currency": currency,
            "amount_minor": 12_345,
            "explanation": explanation,
            "next_action": "Look the id up in the named system. " * 5,
            "source_file": "a_file_with_a_rather_long_name_2026-03-02.csv",
            "source_row_number": 7,
            "target_file": None,
            "target_row_number": None,
        }
        for state, currency, explanation in (("OPEN", "EUR", "Order A1 is in pos. " * 12), ("RESOLVED", None, None))
    ]
    out = io.StringIO()
    show_exceptions(found, {"EUR": 2}, Console(file=out, width=WIDTH))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= WIDTH
    first = next(number for number, line in enumerate(lines) if "MISSING_OMS" in line)
    assert lines[first].split() == [
        "123.45",
        "EUR",
        "MISSING_OMS",
        "acme",
        "sales",
        "HIGH",
        "overdue",
        "accepted",
        "(till)",
    ]
    assert lines[first + 1].strip() == "0" * 32
    assert lines[first + 2].strip().startswith("Order A1 is in pos.")
    assert any("a_file_with_a_rather_long_name_2026-03-02.csv row 7" in line for line in lines)
    done = ["-", "MISSING_OMS", "acme", "sales", "HIGH", "resolved,", "EXPLAINED,", "bea"]
    assert any(line.split() == done for line in lines)


def test_match_rates_leave_out_what_cannot_agree_yet() -> None:
    facts = replace(FACTS, groups=FACTS.groups[:4])
    text = shown(replace(SUMMARY, facts=facts))
    rate = next(line for line in text.splitlines() if "Match rate" in line)
    assert rate.split() == ["Match", "rate", "90.00", "%", "90.00", "%", "-"]
    difference = next(line for line in text.splitlines() if "Net difference" in line)
    assert "-2.50" in difference


def test_a_run_that_failed_shows_why() -> None:
    text = shown(replace(SUMMARY, failures=["test law_1: 1 row contradicts it."], published=None))
    assert "The books did NOT close." in text
    assert "✗ test law_1: 1 row contradicts it." in text
    assert "readers still see the version before" in text


def test_a_summary_survives_its_record() -> None:
    from dataclasses import asdict

    assert Summary.from_record(SUMMARY.to_json(), asdict(FACTS)) == SUMMARY


def test_the_hash_of_no_results() -> None:
    assert results_hash(0, 0) == "ac72368a586a18c19088393573ce03074b8e8a4d8c21add8729af1890a407e52"
