"""When a feed's asset is overdue."""

import re
from datetime import timedelta

import dagster as dg

from orchestration.landing import Feed
from orchestration.landing.expected import Expected


def freshness_of(feed: Feed) -> dg.FreshnessPolicy | None:
    """When a feed's asset is overdue: once the grace of an expected delivery is over and none has come. Where orgs have
    hours of their own and the feed has none, the first org's count; `tieout feeds` and the alerts know each org's."""
    own = (override.expected for override in feed.overrides if override.expected)
    expected = feed.expected or next(own, None)
    if expected is None:
        return None
    deadline = deadline_cron(expected)
    # No longer than between two deadlines, and a minute at least: Dagster takes nothing else.
    window = smallest = _smallest_interval(deadline)
    if expected.early is not None:
        window = min(max(expected.early + expected.grace, timedelta(minutes=1)), smallest)
    return dg.FreshnessPolicy.cron(deadline, lower_bound_delta=window, timezone=expected.time_zone)


def _smallest_interval(cron: str) -> timedelta:
    from dagster._utils.schedules import get_smallest_cron_interval

    return get_smallest_cron_interval(cron)


def deadline_cron(expected: Expected) -> str:
    """The cron of the moments at which grace is over, where that is a cron: minutes and hours given as numbers or
    lists, and a shift over midnight only where every day counts, or every day of a week does. Else the cron itself, so
    that Dagster shows a delivery as overdue from the moment on at which it is due."""
    minutes, hours, day, month, weekday = expected.cron.split()
    shift = int(expected.grace.total_seconds() // 60)
    if not shift or not re.fullmatch(r"\d+", minutes) or not re.fullmatch(r"\*|\d+(,\d+)*", hours):
        return expected.cron
    carried, minute = divmod(int(minutes) + shift, 60)
    if hours == "*":
        return f"{minute} * {day} {month} {weekday}" if (day, month, weekday) == ("*", "*", "*") else expected.cron
    moved = [divmod(int(hour) + carried, 24) for hour in hours.split(",")]
    days = {over for over, _ in moved}
    clock_hours = ",".join(str(hour) for hour in sorted({hour for _, hour in moved}))
    if days == {0} or (day, month, weekday) == ("*", "*", "*"):
        return f"{minute} {clock_hours} {day} {month} {weekday}"
    if len(days) == 1 and (day, month) == ("*", "*") and re.fullmatch(r"[0-7](-[0-7])?(,[0-7](-[0-7])?)*", weekday):
        named = {d % 7 for part in weekday.split(",") for d in _days(part)}
        shifted = ",".join(str(d) for d in sorted((d + min(days)) % 7 for d in named))
        return f"{minute} {clock_hours} * * {shifted}"
    return expected.cron


def _days(part: str) -> range:
    first, _, last = part.partition("-")
    return range(int(first), int(last or first) + 1)
