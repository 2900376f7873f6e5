"""Severity, due times and ageing, and the marts that count."""

from datetime import date, timedelta
from decimal import Decimal

from tests.python.lifecycle.world import DAYS, LAST, Lives

OPENED = DAYS[0].replace(tzinfo=None)


def graded(lives: Lives, day: int) -> dict[str, tuple[object, ...]]:
    """Severity, age in days, bucket and whether it is overdue, by record."""
    columns = ("severity", "age_days", "ageing_bucket", "is_overdue")
    return {
        one["source_activity_id"]: tuple(one[name] for name in columns) for one in lives.days[day].exceptions["graded"]
    }


def test_severity_is_the_worse_of_amount_and_age(lives: Lives) -> None:
    assert graded(lives, 1) == {
        "low": ("LOW", 0, "0-1", False),
        "medium": ("MEDIUM", 0, "0-1", False),
        "high": ("HIGH", 0, "0-1", False),
        "critical": ("CRITICAL", 0, "0-1", False),
    }
    assert graded(lives, LAST) == {
        "low": ("HIGH", 31, "31-90", True),
        "medium": ("HIGH", 31, "31-90", True),
        "high": ("HIGH", 31, "31-90", True),
        "critical": ("CRITICAL", 31, "31-90", True),
        "later": ("MEDIUM", 26, "8-30", True),
    }


def test_it_is_due_by_what_it_was_worth_and_overdue_after_that(lives: Lives) -> None:
    due = {one["source_activity_id"]: one["due_at"] for one in lives.days[1].exceptions["graded"]}
    hours = {"low": 336, "medium": 120, "high": 48, "critical": 8}
    assert due == {name: OPENED + timedelta(hours=count) for name, count in hours.items()}
    overdue = {
        name: [day for day in range(1, LAST + 1) if graded(lives, day).get(name, (None,) * 4)[3]] for name in hours
    }
    # due at the minute of a run is not overdue yet
    assert overdue == {"low": [7], "medium": [7], "high": [4, 5, 6, 7], "critical": [2, 3, 4, 5, 6, 7]}


def test_the_clock_starts_again_with_a_comeback(lives: Lives) -> None:
    times = [lives.exception(day, "corrected", "A", "PRICE_MISMATCH") for day in (1, 3)]
    assert [one["opened_at"] for one in times] == [OPENED] * 2
    assert [one["due_at"] for one in times] == [OPENED + timedelta(hours=336), OPENED + timedelta(days=2, hours=336)]
    reopened = lives.exception(5, "worked", "A")
    assert (reopened["due_at"], reopened["age_days"]) == (OPENED + timedelta(days=4, hours=336), 0)


def test_trends_are_those_counted_by_hand(lives: Lives) -> None:
    none = Decimal(0)
    rows = lives.folder.published(
        "select day, currency, judged_count, matched_count, judged_minor, matched_minor, opened_count, closed_count,"
        " self_cleared_count, median_hours_to_close, p95_hours_to_close, open_count, open_minor"
        " from marts.daily_trends where org_id = 'trends' order by day"
    )
    assert rows == [
        # all sales are of this day: 1.00, 50.00 and 10.00 match, 7.00 does not
        (date(2026, 3, 2), "USD", 4, 3, Decimal(6800), Decimal(6100), 0, 0, 0, None, None, 0, none),
        # 50.00 is missing, and 0.50 differs
        (date(2026, 3, 3), "USD", 0, 0, none, none, 2, 0, 0, None, None, 2, Decimal(5050)),
        (date(2026, 3, 4), "USD", 0, 0, none, none, 0, 1, 1, 24, 24, 1, Decimal(50)),
        (date(2026, 3, 5), "USD", 0, 0, none, none, 0, 1, 1, 48, 48, 0, none),
        (date(2026, 3, 6), "USD", 0, 0, none, none, 1, 0, 0, None, None, 1, Decimal(700)),
        # explained by a person, so not by itself
        (date(2026, 3, 7), "USD", 0, 0, none, none, 0, 1, 0, 24, 24, 0, none),
    ]


def test_ageing_and_scorecard(lives: Lives) -> None:
    assert lives.folder.published(
        "select severity, ageing_bucket, currency, open_count, overdue_count, amount_minor"
        " from marts.exception_ageing where org_id = 'graded' order by all"
    ) == [
        ("CRITICAL", "31-90", "USD", 1, 1, Decimal(1_000_000)),
        ("HIGH", "31-90", "USD", 3, 3, Decimal(9_999 + 10_000 + 100_000)),
        ("MEDIUM", "8-30", "USD", 1, 1, Decimal(4_000)),
    ]
    assert lives.folder.published(
        "select counterparty_id, judged_count, matched_count, missing_count, match_ppm, judged_minor, open_count,"
        " open_minor from marts.counterparty_scorecard where org_id = 'trends'"
    ) == [("S1", 4, 3, 1, 750_000, Decimal(6_800), 0, Decimal(0))]


def test_history_ends_in_the_state_that_people_see(lives: Lives) -> None:
    """The last event of a history, and the exception, say the same."""
    differing = lives.folder.published(
        "select e.exception_id, e.state, h.state from marts.exceptions e join ("
        "  from marts.exception_history"
        "  qualify row_number() over (partition by org_id, exception_id order by event_number desc) = 1"
        ") h using (org_id, exception_id)"
        " where e.state <> h.state or e.resolution is distinct from h.resolution"
        " or e.last_event_at <> h.event_at"
    )
    assert differing == []
