"""The readable summary: right numbers, and never wider than 100 columns."""

import io
from dataclasses import replace

from rich.console import Console

from orchestration.report import WIDTH, show
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
