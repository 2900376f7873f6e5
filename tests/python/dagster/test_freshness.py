"""A late feed is overdue in Dagster when Tieout calls it late."""

from dataclasses import replace
from datetime import timedelta

import dagster as dg
import pytest

from orchestration.dagster_assets import feed_assets
from orchestration.dagster_assets.freshness import deadline_cron, freshness_of
from orchestration.landing.expected import Expected
from orchestration.landing.feeds import Column, Feed, Override

FEED = Feed("pos", "orders", (Column("order_id"),), "models/staging/pos/_pos__sources.yml")


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


@pytest.mark.parametrize(
    ("cron", "grace", "deadline"),
    [
        ("0 6 * * *", hours(2), "0 8 * * *"),
        ("30 6 * * *", timedelta(minutes=45), "15 7 * * *"),
        ("0 6,18 * * *", hours(8), "0 2,14 * * *"),
        ("0 22 * * 1-5", hours(4), "0 2 * * 2,3,4,5,6"),
        ("0 22 * * 6", hours(30), "0 4 * * 1"),
        ("10 * * * *", timedelta(minutes=20), "30 * * * *"),
        ("0 6 1 * *", hours(2), "0 8 1 * *"),
        # Not a cron any more: the last of a month may be followed by the first of another.
        ("0 23 28 * *", hours(2), "0 23 28 * *"),
        ("*/20 * * * *", timedelta(minutes=5), "*/20 * * * *"),
        ("0 6 * * *", hours(0), "0 6 * * *"),
    ],
)
def test_grace_is_over(cron: str, grace: timedelta, deadline: str) -> None:
    assert deadline_cron(Expected(cron, "Europe/Berlin", grace)) == deadline


def test_an_expected_delivery_is_a_freshness_policy() -> None:
    feed = replace(FEED, expected=Expected("0 6 * * *", "Europe/Berlin", hours(2), hours(6)))
    policy = freshness_of(feed)
    assert policy == dg.FreshnessPolicy.cron("0 8 * * *", lower_bound_delta=hours(8), timezone="Europe/Berlin")
    (spec,) = [spec for spec in feed_assets({feed.key: feed}).specs if spec.key == dg.AssetKey(["pos", "orders"])]
    assert spec.freshness_policy == policy


def test_without_early_any_delivery_since_the_last_one_was_due_counts() -> None:
    policy = freshness_of(replace(FEED, expected=Expected("0 6 * * *", "UTC", hours(2))))
    assert policy == dg.FreshnessPolicy.cron("0 8 * * *", lower_bound_delta=hours(24), timezone="UTC")


def test_an_orgs_own_hour_counts_where_the_feed_has_none() -> None:
    feed = replace(FEED, overrides=(Override("acme", expected=Expected("0 9 * * *", "UTC", early=hours(1))),))
    assert freshness_of(feed) == dg.FreshnessPolicy.cron("0 9 * * *", lower_bound_delta=hours(1), timezone="UTC")


def test_nobody_waits_for_a_feed_that_says_nothing() -> None:
    assert freshness_of(FEED) is None
