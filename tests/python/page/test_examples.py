"""The page of the examples, as a run publishes them."""

from pathlib import Path

from orchestration.page import Scope, write
from orchestration.page.reading import read
from orchestration.summary import JUDGED
from tests.python.examples.reconciled import Reconciled, of_the_examples, run
from tests.python.page.pages import Page


@of_the_examples
def test_the_page_of_the_examples(examples: Reconciled, data_dir: Path, tmp_path: Path) -> None:
    run(examples.copy(data_dir), "2026-03-12T06:00:00Z")

    figures = read(data_dir, Scope())
    assert figures.orgs == ["cedar_books", "harbour_pine", "northlight_stays"]
    assert figures.open_state.count == sum(age.open_count for age in figures.ages)
    assert all(not each.broken for each in figures.balances if each.of_what == "books")
    judged = sum(group.rows for group in figures.groups if group.result in JUDGED)
    assert sum(day.judged_count for day in figures.days) == judged

    page = Page(write(data_dir, tmp_path / "page.html", Scope()).read_text(encoding="utf-8"))
    assert "The books closed. As of 12 Mar 2026, 06:00 UTC." in page.text
    assert page.loaded() == []
    # Each of the three streams has runs on several days.
    assert page.count("svg") == 9
    assert "harbour_pine, ecommerce_payouts" in page.text
    assert "Payouts that do not tie out" in page.text

    alone = Page(write(data_dir, tmp_path / "one.html", Scope("cedar_books")).read_text(encoding="utf-8"))
    assert "harbour_pine" not in alone.text
