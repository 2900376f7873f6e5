"""Days become trends: gaps are filled, currencies stay apart, shares that are none are left out."""

from datetime import date, timedelta

from orchestration.page.figures import Day
from orchestration.page.series import Movement, Rate, Standing, trend, trends

FIRST = date(2026, 2, 1)


def day(number: int, currency: str = "EUR", stream: str = "sales", **given: int) -> Day:
    numbers = dict.fromkeys(
        ("judged_count", "matched_count", "judged_minor", "matched_minor", "opened_count", "closed_count"), 0
    ) | {"self_cleared_count": 0, "open_count": 0}
    return Day("acme", stream, FIRST + timedelta(days=number), currency, **(numbers | given))


def test_rows_are_added_over_currencies_and_money_is_not() -> None:
    found = trend(
        [
            day(0, judged_count=3, matched_count=3, judged_minor=300, matched_minor=300),
            day(0, "JPY", judged_count=1, judged_minor=7),
        ],
        None,
    )
    assert found.rows == [Rate(FIRST, 7_500)]
    assert found.money == {"EUR": [Rate(FIRST, 10_000)], "JPY": [Rate(FIRST, 0)]}
    assert not found.weekly


def test_signs_that_make_no_share_leave_a_gap() -> None:
    found = trend([day(0, judged_count=2, matched_count=1, judged_minor=-5, matched_minor=10)], None)
    assert found.money == {"EUR": []}


def test_many_days_are_smoothed_over_their_week() -> None:
    days = [day(number, judged_count=1, matched_count=int(number != 13)) for number in range(14)]
    found = trend(days, None)
    assert found.weekly
    assert found.rows[12].hundredths == 10_000
    assert found.rows[13].hundredths == 8_571


def test_a_currency_without_a_row_keeps_what_it_had() -> None:
    found = trend(
        [
            day(0, judged_count=1),
            day(1, opened_count=2, open_count=2),
            day(1, "JPY", opened_count=1, open_count=1),
            day(3, closed_count=2, self_cleared_count=1),
        ],
        FIRST + timedelta(days=4),
    )
    assert [standing.open_count for standing in found.standings] == [3, 3, 1, 1]
    assert found.standings[0] == Standing(FIRST + timedelta(days=1), 3)
    assert found.movements == [
        Movement(FIRST + timedelta(days=1), 3, 0, 0),
        Movement(FIRST + timedelta(days=3), 0, 1, 1),
    ]


def test_the_window_ends_with_the_figures_and_knows_what_was_open_before() -> None:
    days = [
        day(0, opened_count=5, open_count=5, judged_count=1),
        day(100, judged_count=1, matched_count=1, open_count=5),
    ]
    found = trend(days, FIRST + timedelta(days=101))
    assert found.movements == []
    assert [rate.day for rate in found.rows] == [FIRST + timedelta(days=100)]
    assert {standing.open_count for standing in found.standings} == {5}
    assert len(found.standings) == 90


def test_one_trend_a_stream() -> None:
    found = trends([day(0), day(0, stream="returns"), day(1)], None)
    assert [each.stream for each in found] == ["sales", "returns"]
