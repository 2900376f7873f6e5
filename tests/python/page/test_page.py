"""The page says what the marts say, to the last cent, in a form that needs nothing else and harms nobody."""

import json
import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner

from orchestration.cli import main
from orchestration.errors import UsageError
from orchestration.page import Scope, reading, write
from orchestration.page.figures import Figures
from orchestration.page.reading import read
from tests.python.page.conftest import AS_OF, EXCEPTION, Publish, record, result
from tests.python.page.pages import Page

EVERYTHING: dict[str, list[dict[str, Any]]] = {
    "reconciliation_results": [
        *(result("MATCHED", 10_000, 10_000) for _ in range(7)),
        result("MISMATCHED", 5_000, 4_000),
        result("MISSING_SOURCE", None, 2_500),
        result("AMBIGUOUS", 2_500),
        result("PENDING", 99_999),
        result("DUPLICATE", 88_888),
        result("MATCHED", 1_234_567, 1_234_567, source_currency="KWD", target_currency="KWD"),
        result("MATCHED", 4_700, 4_700, source_currency="JPY", target_currency="JPY", org_id="beta"),
    ],
    "exceptions": [
        EXCEPTION,
        # The same result once more: its money is at stake once.
        {**EXCEPTION, "exception_id": "1" * 32, "anomaly": "STATUS_MISMATCH", "amount_minor": 50_000},
        {**EXCEPTION, "exception_id": "2" * 32, "currency": "JPY", "amount_minor": 980, "source_activity_id": "A2"},
        {**EXCEPTION, "exception_id": "3" * 32, "state": "RESOLVED", "amount_minor": 7, "explanation": "long gone"},
    ],
    "exception_ageing": [
        {
            **{"org_id": "acme", "stream": "sales", "severity": severity, "ageing_bucket": bucket, "currency": "EUR"},
            **{"open_count": 3, "overdue_count": 1, "amount_minor": 1_150},
        }
        for severity, bucket in (("LOW", "over 90"), ("CRITICAL", "8-30"), ("LOW", "8-30"))
    ],
    "counterparty_scorecard": [
        {
            **{"org_id": "acme", "stream": "sales", "counterparty_id": name, "currency": "EUR"},
            **{"judged_count": 200, "matched_count": matched, "mismatched_count": 3, "missing_count": 4},
            **{"late_count": 0, "open_count": 200 - matched, "open_minor": 4_321, "match_ppm": matched * 5_000},
        }
        for name, matched in (("S-good", 200), ("S-bad", 150), ("S-worse", 100))
    ],
    "absorption_budgets": [
        {
            **{"org_id": "acme", "rule_id": "small", "counterparty_id": name, "month": "2026-02", "currency": "EUR"},
            **{
                "budget_minor": 5_000,
                "by_tolerance_minor": tolerated,
                "by_rule_minor": 500,
                "left_minor": 4_500 - tolerated,
            },
            **{"tolerated_count": 9, "written_off_count": 1, "over_budget_count": over},
        }
        for name, tolerated, over in (("S-thrifty", 500, 0), ("S-lavish", 6_000, 2))
    ],
    "proposed_entries": [
        {"org_id": "acme", "stream": "sales", "exception_id": "4" * 32, "is_flagged": flagged, "is_needed": needed}
        for flagged, needed in ((True, True), (False, True), (True, False))
    ],
    "payout_tie_out": [
        {
            **{"org_id": "acme", "system": "stripe", "payout_id": f"po_{state}", "currency": "EUR", "exponent": 2},
            **{"payout_minor": 10_000, "deposit_minor": deposit, "difference_minor": difference, "state": state},
        }
        for state, deposit, difference in (
            ("TIED_OUT", 10_000, 0),
            ("DEPOSIT_MISSING", None, 0),
            ("DEPOSIT_DIFFERS", 9_900, 100),
            ("IN_TRANSIT", None, 0),
        )
    ],
    "control_totals": [
        {"of_what": of_what, "org_id": "acme", "balance": balance, "holds": holds}
        for of_what, balance, holds in (
            ("books", "lines", True),
            ("books", "ladder", True),
            ("file", "statement", False),
        )
    ],
    "rejected_records": [
        {"org_id": "acme", "feed": "pos/orders", "reasons": reasons, "batch_id": "b1"}
        for reasons in (
            "total: too_many_decimals",
            "total: too_many_decimals; placed: unreadable_time",
            "unreadable_record: 9 fields expected, 5 found",
        )
    ],
    "daily_trends": [
        {
            **{"org_id": "acme", "stream": "sales", "day": date(2026, 2, 1) + timedelta(days=number)},
            **{"currency": "EUR", "judged_count": 10, "matched_count": 8, "judged_minor": 1_000, "matched_minor": 900},
            **{"opened_count": number % 3, "closed_count": number % 2, "self_cleared_count": number % 2},
            "open_count": 5 + number,
        }
        for number in range(30)
    ],
}


def made(folder: Path, org: str | None = None, stream: str | None = None) -> Page:
    """The page of a data folder."""
    out = write(folder, folder / "page.html", Scope(org, stream))
    return Page(out.read_text(encoding="utf-8"))


def figures(folder: Path, org: str | None = None, stream: str | None = None) -> Figures:
    return read(folder, Scope(org, stream))


@pytest.fixture
def folder(publish: Publish) -> Path:
    return publish(EVERYTHING, record(1))


def test_the_headline_says_whether_the_books_close(folder: Path) -> None:
    text = made(folder).text
    for words in (
        "The books closed.",
        "As of 3 Mar 2026, 06:00 UTC.",
        "Open exceptions 3 none overdue, 3 without an owner",
        "Control totals 2 of 2 hold",
        "Laws 4 of 4",
        # Of those that are due: one is on its way.
        "Payouts tied out 1 of 3",
        "Match rate 75.00 % 9 of 12 records compared",
    ):
        assert words in text


def test_budgets_stand_with_what_used_them_the_fullest_first(folder: Path) -> None:
    text = made(folder).text
    assert (
        "2 differences written off by rules, 1 of them flagged to be looked at; 0 open exceptions on the list" in text
    )
    assert text.index("S-lavish") < text.index("S-thrifty")
    assert "2026-02 50.00 EUR 60.00 EUR 5.00 EUR 100.00 % 2" in text
    assert "2026-02 50.00 EUR 5.00 EUR 5.00 EUR 20.00 % 0" in text


def test_a_result_of_two_exceptions_is_at_stake_once(folder: Path) -> None:
    stakes = {stake.currency: (stake.results, stake.amount_minor) for stake in figures(folder).stakes}
    assert stakes == {"EUR": (1, 50_000), "JPY": (1, 980)}
    assert "Money at stake 500.00 EUR 980 JPY" in made(folder).text


def test_money_has_its_currency_and_is_never_added_over_currencies(folder: Path) -> None:
    text = made(folder).text
    # 70,000 of 80,000 minor units; what waits and what is surplus is not compared.
    for words in ("87.50 %", "800.00 EUR", "1,234.567 KWD", "4,700 JPY"):
        assert words in text
    assert "999.99" not in text
    assert "888.88" not in text


def test_a_currency_that_nobody_knows_is_told_in_minor_units(publish: Publish) -> None:
    row = result("MATCHED", 12_345, 12_345, source_currency="XYZ", target_currency="XYZ")
    assert "12,345 minor units of XYZ" in made(publish({"reconciliation_results": [row]}, record(1))).text


def test_the_parts_say_what_the_marts_say(folder: Path) -> None:
    text = made(folder).text
    for words in (
        # the largest first, with what to do and where to look
        "500.00 EUR Amounts differ low POS A1 and OMS A1 differ. Next: Correct one of them. Look at: pos.csv, row 7",
        "8 to 30 days 6 2 3 0 0 3 23.00 EUR",
        "S-worse sales · acme EUR 50.00 % 200 3 4 0 100 43.21 EUR",
        # nothing came: all of it is out
        "po_DEPOSIT_MISSING stripe · acme – deposit missing 100.00 EUR – 100.00 EUR",
        "po_DEPOSIT_DIFFERS stripe · acme – deposit differs 100.00 EUR 99.00 EUR 1.00 EUR",
        "Every physical line of every file is explained 1 0",
        "Opening balance plus movements is the closing balance 0 1",
        "more decimals than the currency has acme pos/orders 2 1",
        "line cannot be read acme pos/orders 1 1",
        "3 records could not be used",
        "No records yet in returns.",
    ):
        assert words in text
    assert "long gone" not in text
    assert "S-good" not in text
    assert text.index("8 to 30 days") < text.index("over 90 days")


def test_base_currency_where_the_org_names_one(publish: Publish) -> None:
    known = {**EXCEPTION, "base_currency": "USD", "exposure_base_minor": 13_300}
    unknown = {**EXCEPTION, "exception_id": "4" * 32, "source_activity_id": "A9", "base_currency": "USD"}
    text = made(publish({"exceptions": [known, unknown]}, record(1))).text
    assert "Money at stake 133.00 USD and 1 without a rate 246.90 EUR, each record once" in text
    assert "no rate to a base currency" not in text


def test_every_text_is_escaped(publish: Publish) -> None:
    evil = "<script>alert('x')</script>\"><img src=x onerror=alert(1)> & $x^2$ \x01\x85 \u202eevil"
    rows = {name: [dict(row) for row in found] for name, found in EVERYTHING.items()}
    for found in rows.values():
        for row in found:
            for column in ("org_id", "stream", "counterparty_id", "feed", "system", "payout_id", "currency", "balance"):
                if column in row and row[column] != "JPY":
                    row[column] = evil
    for row in rows["exceptions"]:
        row |= dict.fromkeys(("title", "explanation", "next_action", "owner", "source_file", "anomaly"), evil)
        row |= {"severity": evil, "state": evil, "exception_id": evil}
    rows["rejected_records"][0]["reasons"] = evil
    page = made(publish(rows, record(1, failures=[evil], laws={"passed": 3, "failed": 1}), record(0)))
    assert page.count("script") == page.count("img") == 0
    assert not [given for _, given in page.elements for name in given if name.startswith("on")]
    assert "<script>alert('x')</script>" in page.text
    assert "\x01" not in page.markup
    assert "\x85" not in page.markup


def test_it_needs_nothing_else(folder: Path) -> None:
    page = made(folder)
    assert "http://" not in page.markup
    assert "https://" not in page.markup
    assert page.loaded() == []
    assert page.count("script") == page.count("link") == page.count("iframe") == 0
    assert "url(" not in page.markup.replace("url(#", "")
    assert "@import" not in page.markup
    policy = [given["content"] for name, given in page.elements if name == "meta" and "http-equiv" in given]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"]


def test_who_cannot_see_it_can_read_it(folder: Path) -> None:
    page = made(folder)
    drawings = [given for name, given in page.elements if name == "svg"]
    assert len(drawings) == 3
    assert all(given["role"] == "img" and given["aria-label"] for given in drawings)
    # What a plot shows stands beside it as a table.
    assert page.count("details") == 3
    assert page.count("table") == page.count("caption") == page.count("thead")
    assert all(given.get("scope") in ("col", "row") for name, given in page.elements if name == "th")
    assert ("html", {"lang": "en"}) in page.elements
    assert page.count("h1") == page.count("main") == 1
    ids = [given["id"] for _, given in page.elements if "id" in given]
    assert len(ids) == len(set(ids))


def test_the_same_figures_give_the_same_bytes(folder: Path) -> None:
    assert made(folder).markup == made(folder).markup


def test_an_empty_copy_makes_a_page(publish: Publish) -> None:
    page = made(publish({}, record(1)))
    for words in (
        "The books closed.",
        "There are no records yet.",
        "Open exceptions 0 nothing to settle",
        "None is open",
    ):
        assert words in page.text
    assert page.count("svg") == 0


def test_a_copy_without_any_run_makes_a_page(publish: Publish) -> None:
    text = made(publish(EVERYTHING)).text
    # The newest moment in it is the best that is known; nothing is claimed about laws.
    assert "As of 3 Mar 2026, 06:00 UTC." in text
    assert "Laws" not in text


def test_a_copy_that_is_newer_than_the_record_of_its_run(publish: Publish) -> None:
    rows = {"exceptions": [{**EXCEPTION, "last_event_at": AS_OF + timedelta(days=1)}]}
    headline = figures(publish(rows, record(1))).headline
    assert (headline.as_of, headline.laws, headline.run_id) == (AS_OF + timedelta(days=1), None, None)


def test_books_that_did_not_close_are_said_first(publish: Publish) -> None:
    failed = record(
        2, as_of="2026-03-04T06:00:00.000000Z", failures=["law nothing_is_lost"], laws={"passed": 3, "failed": 1}
    )
    text = made(publish(EVERYTHING, record(1), failed)).text
    assert "The books closed." not in text
    for words in (
        "The books did not close. The latest run, as of 4 Mar 2026, 06:00 UTC, failed.",
        "law nothing_is_lost",
        "All figures below are as of 3 Mar 2026, 06:00 UTC",
        "Laws 3 of 4",
    ):
        assert words in text


def test_replays_and_other_targets_say_nothing(publish: Publish) -> None:
    replay = record(2, replay=True, failures=["then"], as_of="2026-01-01T00:00:00.000000Z")
    other = record(3, target="postgres", failures=["there"], as_of="2026-03-09T00:00:00.000000Z")
    text = made(publish(EVERYTHING, record(1), replay, other)).text
    assert "The books closed. As of 3 Mar 2026, 06:00 UTC." in text


def test_a_copy_that_another_engine_made(publish: Publish) -> None:
    text = made(publish(EVERYTHING, record(1, target="postgres"))).text
    assert "1,234.567 KWD" in text
    assert "Laws 4 of 4" in text


def test_one_org_alone(folder: Path) -> None:
    text = made(folder, org="beta").text
    assert "acme" not in text
    assert "4,700 JPY" in text
    assert "EUR" not in text
    assert "Open exceptions 0" in text


def test_one_stream_alone(folder: Path) -> None:
    text = made(folder, stream="returns").text
    assert "There are no records yet." in text
    # Payouts are of another stream; files are of all streams.
    assert "po_DEPOSIT_MISSING" not in text
    assert "Of all streams, for they share their files." in text


@pytest.mark.parametrize(
    ("org", "stream", "message"),
    [
        ("nobody", None, "There is no org 'nobody' in the published copy. Known: acme, beta."),
        (None, "nothing", "There is no stream 'nothing' in the published copy. Known: returns, sales."),
    ],
)
def test_what_nobody_knows_is_refused(folder: Path, org: str | None, stream: str | None, message: str) -> None:
    (folder / "page.html").write_text("the page before")
    with pytest.raises(UsageError) as error:
        made(folder, org, stream)
    assert str(error.value) == message
    assert (folder / "page.html").read_text() == "the page before"


def test_nothing_published(data_dir: Path) -> None:
    with pytest.raises(UsageError, match=r"Nothing is published in .* yet\. Type `tieout run` first"):
        made(data_dir)


def test_a_copy_of_an_older_version(publish: Publish) -> None:
    with pytest.raises(UsageError, match="has no daily_trends: an older Tieout wrote it"):
        made(publish({}, without=["daily_trends"]))


def test_a_copy_that_cannot_be_read(publish: Publish) -> None:
    folder = publish({})
    (folder / "published" / "tieout.duckdb").write_bytes(b"not a database" * 1000)
    with pytest.raises(UsageError, match="cannot be read"):
        made(folder)


def test_a_copy_that_is_swapped_meanwhile_is_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = folder / ".versions" / "1", folder / ".versions" / "2"
    shutil.copytree(one, two)
    with duckdb.connect(str(two / "tieout.duckdb")) as connection:
        connection.execute("delete from marts.exceptions")
    # The first reading begins with one version and ends with the other.
    seen = iter([one, two, two, two])
    monkeypatch.setattr(reading, "current", lambda _: next(seen))
    assert figures(folder).open_state.count == 0


def test_a_copy_without_payouts(publish: Publish) -> None:
    assert "Payouts" not in made(publish(EVERYTHING, record(1), without=["payout_tie_out"])).text


def test_a_file_that_cannot_be_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="There is no folder"):
        write(folder, folder / "no" / "page.html", Scope())

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    (folder / "page.html").write_text("the page before")
    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(UsageError, match="cannot be written: No space left"):
        made(folder)
    monkeypatch.undo()
    assert (folder / "page.html").read_text() == "the page before"
    assert not list(folder.glob(".page*"))


def test_the_command(folder: Path) -> None:
    out = folder / "page.html"
    done = CliRunner().invoke(main, ["report", "--out", str(out), "--data-dir", str(folder), "--json"])
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"file": str(out)})
    refused = CliRunner().invoke(main, ["report", "--out", str(out), "--data-dir", str(folder), "--org", "x"])
    assert (refused.exit_code, refused.stderr.startswith("tieout: There is no org 'x'")) == (2, True)


def test_other_commands_do_not_wait_for_the_plotting_library() -> None:
    modules = (
        "orchestration.cli, orchestration.page, orchestration.listings, orchestration.report, orchestration.pipeline"
    )
    code = f"import sys, {modules}; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
