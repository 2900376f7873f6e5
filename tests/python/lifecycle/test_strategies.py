"""What rules make of exceptions: see `strategies` for the given and the when."""

from collections.abc import Callable, Sequence

import pytest

from tests.python.laws.conftest import in_one_worker
from tests.python.lifecycle.strategies import BAD_RULES, everything
from tests.python.lifecycle.world import DAYS, LAST, Lives, Story

PRICE, MISSING, BUDGET = "PRICE_MISMATCH", "MISSING_OMS", "TOLERANCE_BUDGET_EXCEEDED"
OPEN, ASSIGNED, PENDING, REOPENED = "OPEN", "ASSIGNED", "PENDING_APPROVAL", "REOPENED"
WRITTEN_OFF, EXPLAINED, EXCLUDED, SELF_CLEARED = (
    f"RESOLVED {how}" for how in ("WRITTEN_OFF", "EXPLAINED", "EXCLUDED", "SELF_CLEARED")
)

STATES: dict[tuple[str, str, str], list[str]] = {
    ("auto", "A", PRICE): [WRITTEN_OFF] * 7,
    ("auto", "B", PRICE): [OPEN, OPEN, *[WRITTEN_OFF] * 5],
    ("by_store", "A", PRICE): [WRITTEN_OFF] * 7,
    ("by_store", "B", PRICE): [WRITTEN_OFF] * 7,
    ("unclear", "A", PRICE): [OPEN] * 7,
    ("unclear", "A", "STATUS_MISMATCH"): [OPEN] * 7,
    ("unclear", "B", MISSING): [OPEN] * 7,
    ("unclear", "C", PRICE): [WRITTEN_OFF] * 7,
    ("touched", "A", PRICE): [OPEN, *[ASSIGNED] * 6],
    ("touched", "B", PRICE): [OPEN, OPEN, *[WRITTEN_OFF] * 5],
    ("grows", "A", PRICE): [WRITTEN_OFF, WRITTEN_OFF, REOPENED, REOPENED, *[WRITTEN_OFF] * 3],
    ("corrected", "A", PRICE): [*[WRITTEN_OFF] * 3, *[REOPENED] * 4],
    ("taken_up", "A", PRICE): [WRITTEN_OFF, *[REOPENED] * 6],
    ("tolerated", "C", BUDGET): [OPEN, OPEN, *[SELF_CLEARED] * 5],
    ("shared", "B", PRICE): [OPEN] * 7,
    ("rule_first", "A", PRICE): [WRITTEN_OFF] * 7,
    ("rule_first", "B", BUDGET): ["-", OPEN, *[OPEN] * 5],
    ("shrinks", "A", PRICE): [WRITTEN_OFF, *[REOPENED] * 6],
    ("grows_into", "A", PRICE): [OPEN, OPEN, PENDING, *[PENDING] * 4],
    ("turned_down", "A", MISSING): [OPEN, PENDING, OPEN, *[OPEN] * 4],
    ("turned_down", "B", MISSING): [OPEN, PENDING, OPEN, *[OPEN] * 4],
    ("alone", "A", MISSING): [OPEN, EXPLAINED, OPEN, *[OPEN] * 4],
    ("alone", "B", MISSING): [OPEN, EXCLUDED, *[REOPENED] * 5],
    ("excluded_before", "A", MISSING): [OPEN, EXCLUDED, PENDING, PENDING, *[EXCLUDED] * 3],
    ("converted", "A", PRICE): [WRITTEN_OFF] * 7,
    ("converted", "B", PRICE): [WRITTEN_OFF] * 7,
    ("converted", "C", PRICE): [OPEN] * 7,
    ("unconverted", "A", PRICE): [OPEN] * 7,
    ("small_exception", "A", PRICE): [OPEN, PENDING, *[PENDING] * 5],
    ("manual", "A", MISSING): [OPEN, PENDING, PENDING, *[EXPLAINED] * 4],
    ("manual", "B", MISSING): [OPEN, PENDING, PENDING, *[WRITTEN_OFF] * 4],
    ("manual", "C", MISSING): [OPEN, PENDING, PENDING, *[EXCLUDED] * 4],
    ("accepted", "A", PRICE): [OPEN] * 7,
    ("accepted", "B", PRICE): [OPEN] * 7,
    ("accepted", "X", PRICE): [OPEN] * 7,
    ("accepted", "Y", PRICE): [WRITTEN_OFF] * 7,
    ("refused", "A", PRICE): [OPEN] * 7,
}

# Classification, strategy and rule after a day.
DEALT_WITH: dict[tuple[int, str, str, str], tuple[str, str, str]] = {
    (1, "classified", "A", MISSING): ("PENDING", "ESCALATE", "default_missing"),
    (1, "classified", "B", MISSING): ("PENDING", "ESCALATE", "default_missing"),
    (1, "classified", "P", PRICE): ("SUSPICIOUS", "ESCALATE", "default"),
    (1, "classified", "T", "TIMESTAMP_SKEW"): ("OK", "ESCALATE", "default_skew"),
    (2, "classified", "A", MISSING): ("PENDING", "ESCALATE", "default_missing"),
    (2, "classified", "B", MISSING): ("SUSPICIOUS", "ESCALATE", "large"),
    (2, "classified", "C", MISSING): ("OK", "MANUAL", "store"),
    (1, "auto", "A", PRICE): ("OK", "AUTO", "small"),
    # an amount that nobody knows fits no rule that has a limit
    (1, "unconverted", "A", PRICE): ("SUSPICIOUS", "ESCALATE", "default"),
    (1, "by_store", "A", PRICE): ("OK", "AUTO_FLAG", "small"),
    # what is accepted is fine, whatever the rule would say of it
    (1, "accepted", "A", PRICE): ("OK", "ESCALATE", "default"),
    (4, "accepted", "A", PRICE): ("SUSPICIOUS", "ESCALATE", "default"),
}

NOTES: dict[tuple[int, str, str, str], str | None] = {
    (1, "auto", "A", PRICE): None,
    (1, "auto", "B", PRICE): "rule small has stopped: its budget for S1 in 2026-03 does not cover it",
    (3, "auto", "B", PRICE): None,
    (1, "unclear", "A", PRICE): "rule small leaves it to people: it is no clear difference of two amounts",
    (1, "unclear", "B", MISSING): "rule small leaves it to people: it is no clear difference of two amounts",
    (3, "touched", "A", PRICE): "rule small leaves it to people: it has been decided about before",
    (1, "shared", "B", PRICE): "rule small has stopped: its budget for S1 in 2026-03 does not cover it",
    (1, "accepted", "X", PRICE): None,
    (2, "auto", "B", PRICE): "rule small has stopped: its budget for S1 in 2026-03 does not cover it",
}


@pytest.fixture(scope="module", params=in_one_worker("ruled"))
def ruled(request: pytest.FixtureRequest, lived: Callable[[str, Sequence[Story]], Lives]) -> Lives:
    """The data folder in which all stories of rules have been lived to their end."""
    return lived(request.param, everything())


@pytest.mark.parametrize("about", STATES, ids="-".join)
def test_the_state_of_an_exception_day_by_day(ruled: Lives, about: tuple[str, str, str]) -> None:
    assert ruled.states(*about) == STATES[about]


def test_nothing_else_is_found(ruled: Lives) -> None:
    expected = {about for about in STATES if about[0] != "classified"}
    assert {about for about in ruled.ids if about[0] != "classified"} == expected


@pytest.mark.parametrize("about", DEALT_WITH, ids=lambda about: "-".join(map(str, about)))
def test_how_an_exception_is_dealt_with(ruled: Lives, about: tuple[int, str, str, str]) -> None:
    one = ruled.exception(*about)
    assert (one["classification"], one["strategy"], one["rule_id"]) == DEALT_WITH[about]


@pytest.mark.parametrize("about", NOTES, ids=lambda about: "-".join(map(str, about)))
def test_a_rule_that_does_not_act_says_why(ruled: Lives, about: tuple[int, str, str, str]) -> None:
    assert ruled.exception(*about)["strategy_note"] == NOTES[about]


def test_what_a_rule_decides_stands_in_the_history(ruled: Lives) -> None:
    assert ruled.history("grows", "A", PRICE) == [
        (1, "OPENED", "tieout", None, "OPEN", None, None),
        (1, "AUTO_WRITTEN_OFF", "rule small", None, "RESOLVED", "WRITTEN_OFF", None),
        (3, "AMOUNT_CHANGED", "tieout", None, "REOPENED", None, None),
        (5, "WRITE_OFF", "ann", None, "RESOLVED", "WRITTEN_OFF", None),
    ]


def test_the_trend_has_what_was_open_by_the_amounts_of_the_day(ruled: Lives) -> None:
    rows = ruled.folder.published(
        "select cast(day as varchar), opened_count, closed_count, open_count, open_minor from marts.daily_trends"
        " where org_id = 'grows' order by day"
    )
    assert [tuple(map(str, row)) for row in rows] == [
        ("2026-03-02", "0", "0", "0", "0"),
        ("2026-03-03", "1", "1", "0", "0"),
        # written off were 0.20, and now it is 0.30
        ("2026-03-05", "1", "0", "1", "30"),
        ("2026-03-07", "0", "1", "0", "0"),
    ]


def test_a_difference_within_the_tolerance_still_matches_when_the_budget_is_used_up(ruled: Lives) -> None:
    of_c = [result for result in ruled.results(1, "tolerated") if result[0] == "C"]
    assert of_c == [("C", "C", "by_order_id", "MATCHED", "", "")]
    one = ruled.exception(1, "tolerated", "C", BUDGET)
    assert (one["amount_minor"], one["source_row_number"] is not None) == (70, True)
    assert "the budget of rule small for S1 in 2026-03, 1.20 USD, is used up" in one["explanation"]


def test_what_is_accepted_is_counted_and_has_no_clock(ruled: Lives) -> None:
    fields = ("accepted_by", "accepted_owner", "accepted_reason", "is_overdue", "severity")
    covered = ruled.exception(LAST, "accepted", "X", PRICE)
    assert tuple(covered[name] for name in fields) == ("one", "ann", "coin rounding", False, "HIGH")
    ended = ruled.exception(LAST, "accepted", "A", PRICE)
    assert tuple(ended[name] for name in fields) == (None, None, None, True, "HIGH")
    assert ruled.exception(3, "accepted", "A", PRICE)["accepted_by"] == "till"
    assert ruled.exception(3, "accepted", "B", PRICE)["accepted_by"] is None


def test_budgets_tell_what_has_used_them(ruled: Lives) -> None:
    rows = ruled.folder.published(
        "select org_id, counterparty_id, month, currency, budget_minor, by_tolerance_minor, by_rule_minor, left_minor,"
        " tolerated_count, written_off_count, over_budget_count from marts.absorption_budgets order by all"
    )
    march = ("2026-03", "USD")
    assert [tuple(row) for row in rows] == [
        ("accepted", "S2", *march, 100000, 0, 250, 99750, 0, 1, 0),
        ("auto", "S1", *march, 110, 0, 110, 0, 0, 2, 0),
        ("by_store", "S1", *march, 100, 0, 90, 10, 0, 1, 0),
        ("by_store", "S2", *march, 100, 0, 90, 10, 0, 1, 0),
        ("converted", "S1", "2026-03", "EUR", 90, 0, 90, 0, 0, 2, 0),
        ("corrected", "S1", *march, 100, 0, 20, 80, 0, 1, 0),
        ("grows", "S1", *march, 100, 0, 20, 80, 0, 1, 0),
        ("rule_first", "S1", *march, 100, 60, 70, -30, 1, 1, 1),
        ("shared", "S1", *march, 100, 60, 0, 40, 1, 0, 0),
        ("shrinks", "S1", *march, 100, 0, 40, 60, 0, 1, 0),
        ("taken_up", "S1", *march, 100, 0, 20, 80, 0, 1, 0),
        ("tolerated", "S1", *march, 180, 180, 0, 0, 3, 0, 0),
        ("touched", "S1", *march, 100, 0, 20, 80, 0, 1, 0),
        ("unclear", "S1", *march, 100000, 0, 50, 99950, 0, 1, 0),
    ]


def test_each_write_off_proposes_an_entry_that_a_correction_makes_void(ruled: Lives) -> None:
    rows = ruled.folder.published(
        "select org_id, amount_minor, currency, debit_account, credit_account, strategy, is_flagged, is_needed"
        " from marts.proposed_entries order by org_id, amount_minor"
    )
    more = ("USD", "clearing", "reconciliation differences")
    assert [tuple(row) for row in rows] == [
        ("accepted", 250, *more, "AUTO", False, True),
        ("auto", 50, *more, "AUTO", False, True),
        ("auto", 60, *more, "AUTO", False, True),
        ("by_store", 90, *more, "AUTO_FLAG", True, True),
        ("by_store", 90, *more, "AUTO_FLAG", True, True),
        ("converted", 400, "NOK", *more[1:], "AUTO", False, True),
        ("converted", 500, "NOK", *more[1:], "AUTO", False, True),
        ("corrected", 20, *more, "AUTO", False, False),
        # ann's own write-off asks for an entry of its own
        ("grows", 20, *more, "AUTO", False, False),
        ("rule_first", 70, *more, "AUTO", False, True),
        ("shrinks", 40, *more, "AUTO", False, False),
        ("taken_up", 20, *more, "AUTO", False, False),
        ("touched", 20, *more, "AUTO", False, True),
        ("unclear", 50, *more, "AUTO", False, True),
    ]


def test_nobody_decides_for_another_org(ruled: Lives) -> None:
    assert ruled.refused(LAST, "foreign") == [("foreign-1", "exception_id: unknown_exception")]


def test_an_agreement_that_counts_is_not_refused(ruled: Lives) -> None:
    """A rule has taken the pin's force away; the approval gives it back."""
    assert ruled.refused(LAST, "excluded_before") == []
    assert ruled.history("excluded_before", "A", MISSING)[-3:] == [
        (3, "REOPENED", "tieout", None, PENDING, None, None),
        (5, "APPROVE", "bob", None, "RESOLVED", "EXCLUDED", None),
        (5, "CLOSED", "tieout", None, "RESOLVED", "EXCLUDED", None),
    ]


def test_a_wrong_rule_is_refused_with_its_reason_and_changes_nothing(ruled: Lives) -> None:
    reasons = sorted(reason for _, reason in ruled.refused(LAST, "refused"))
    assert reasons == sorted(
        [
            *(reason for _, reason in BAD_RULES.values()),
            *["contradicts_another_row_received_together"] * 2,
            "valid_to: before_valid_from",
            "owner: missing_value",
            "valid_to: missing_value",
        ]
    )


def test_a_full_refresh_tells_the_same(ruled: Lives) -> None:
    query = "from marts.exceptions order by exception_id"
    before = ruled.folder.published(query)
    budgets = ruled.folder.published("from marts.absorption_budgets order by all")
    done = ruled.folder.start(DAYS[-1], "--full-refresh")
    assert done.returncode == 0, done.stderr
    assert ruled.folder.published(query) == before
    assert ruled.folder.published("from marts.absorption_budgets order by all") == budgets
