"""Deliveries that are due: when they count, when they are late, and what a declaration may say."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestration.durations import parse_duration
from orchestration.landing import Expected, Feed, Override
from orchestration.landing.expected import late_among, read_expected

DAILY = Expected("0 6 * * *", "Europe/Berlin", grace=timedelta(hours=2), early=timedelta(hours=6))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def feed(expected: Expected | None = DAILY, *overrides: Override) -> dict[str, Feed]:
    return {"pos/orders": Feed("pos", "orders", (), "a.yml", expected=expected, overrides=overrides)}


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-01-10T06:59:59", "2026-01-09T05:00:00"),  # 06:00 in Berlin is 05:00 UTC in winter; its grace is not over
        ("2026-01-10T07:00:00", "2026-01-10T05:00:00"),
        ("2026-07-10T06:00:00", "2026-07-10T04:00:00"),  # and 04:00 UTC in summer
        ("2026-03-29T06:00:00", "2026-03-29T04:00:00"),  # the night on which the clock goes forward
    ],
)
def test_due_in_the_zone_of_the_feed(now: str, due: str):
    assert DAILY.due(utc(now))[0] == utc(due)


def test_an_early_delivery_counts_only_so_far_back():
    now = utc("2026-01-10T08:00:00")
    assert DAILY.due(now)[1] == utc("2026-01-09T23:00:00")
    for received, late in [("2026-01-09T22:59:59", True), ("2026-01-09T23:00:00", False), ("2026-01-10T07:30", False)]:
        found = late_among({("acme", "pos/orders"): [utc(received)]}, feed(), now)
        assert bool(found) == late, received


def test_without_early_any_since_the_one_before_counts():
    now, expected = utc("2026-01-10T08:00:00"), Expected("0 6 * * *")
    assert not late_among({("acme", "pos/orders"): [utc("2026-01-09T06:00:01")]}, feed(expected), now)
    (late,) = late_among({("acme", "pos/orders"): [utc("2026-01-09T06:00:00")]}, feed(expected), now)
    assert (late.due_at, late.last_received_at, late.late_seconds) == (
        utc("2026-01-10T06:00:00"),
        utc("2026-01-09T06:00:00"),
        7200,
    )


def test_what_came_later_is_not_known_yet():
    now, received = utc("2026-01-10T08:00:00"), [utc("2026-01-10T09:00:00")]
    assert not late_among({("acme", "pos/orders"): received}, feed(), now), "nobody had delivered it then"
    (late,) = late_among({("acme", "pos/orders"): [utc("2026-01-08T09:00:00"), *received]}, feed(), now)
    assert late.last_received_at == utc("2026-01-08T09:00:00")


def test_of_whom_a_feed_is_expected():
    now = utc("2026-01-10T08:00:00")
    globex = Override("globex", expected=Expected("0 7 * * *"))
    received = {("acme", "pos/orders"): [utc("2026-01-01T00:00")], ("acme", "gone/feed"): [utc("2026-01-01T00:00")]}
    found = late_among(received, feed(DAILY, globex), now)
    assert [(late.org_id, late.due_at, late.last_received_at is None) for late in found] == [
        ("acme", utc("2026-01-10T05:00:00"), False),
        ("globex", utc("2026-01-10T07:00:00"), True),
    ]
    assert not late_among({}, feed(), now), "nobody has ever delivered it"
    assert not late_among(received, feed(None), now), "nobody waits for it"


@pytest.mark.parametrize(
    ("given", "keys"),
    [
        ("daily", ["x"]),
        ({"cron": "0 6 * *"}, ["x.cron"]),
        ({"cron": "0 0 31 2 *"}, ["x.cron"]),
        ({"cron": 6, "time_zone": "Mars/One", "grace": "soon", "early": 3, "by": 1}, None),
    ],
)
def test_every_fault_is_told(given: Any, keys: list[str] | None):
    faults: list[str] = []
    read_expected("x", given, lambda where, allowed, found: faults.append(where))
    assert sorted(faults) == (keys or ["x", "x.cron", "x.early", "x.grace", "x.time_zone"])


def test_a_declaration_is_read():
    def refuse(*fault: object) -> None:
        raise AssertionError(fault)

    given = {"cron": "0 6 * * *", "time_zone": "Europe/Berlin", "grace": "2 hours", "early": "6h"}
    assert read_expected("x", given, refuse) == DAILY


@pytest.mark.parametrize(
    "text", ["", "2", "-1 hours", "1.5 hours", "two hours", "1 fortnight", "5219 weeks", "999999 d", None]
)
def test_what_is_no_length_of_time(text: Any):
    with pytest.raises(ValueError, match="90 seconds"):
        parse_duration(text)
