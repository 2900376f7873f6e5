"""The overview of a day: its runs, what agrees by stream, exceptions that came and went, what is oldest and late."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from orchestration import clock, runs
from orchestration.alerts import published, texts
from orchestration.alerts.gathering import Look, decimals, unmatched
from orchestration.alerts.journal import FAILED, GAVE_UP, Alert, key_of
from orchestration.alerts.settings import DIGEST, Digest
from orchestration.alerts.words import Message
from orchestration.health.late import late
from orchestration.runs import RunRecord, State

# How many runs the trend of unmatched records shows.
TREND = 7
SHOWN_RESULTS = ("MATCHED", "MISMATCHED", "MISSING_SOURCE", "MISSING_TARGET", "AMBIGUOUS", "PENDING")


def day_before(declared: Digest, moment: datetime) -> tuple[datetime, datetime]:
    """The local day before a moment, as UTC times: its begin and its end."""
    zone = ZoneInfo(declared.time_zone)
    today = moment.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    yesterday = (today - timedelta(hours=1)).replace(hour=0)
    return yesterday.astimezone(UTC), today.astimezone(UTC)


def due(look: Look) -> list[tuple[Alert, tuple[str, ...]]]:
    """Digests that are due and not made yet, with their channels. One that was due before alerts began, or whose day
    is over, is not made up for."""
    found = []
    for declared in look.settings.digests:
        moment = declared.latest_due(look.now)
        begun = look.journal.begun_at or look.now
        if moment <= begun or look.now - moment > timedelta(days=1):
            continue
        scope = (declared.orgs or (), declared.streams or (), declared.channels)
        # Not its place in the list: another one before it makes it no other.
        key = key_of(DIGEST, clock.to_text(moment), *scope)
        if key not in look.journal.raised:
            found.append((Alert(key, DIGEST, "LOW", message(look, declared, moment)), declared.channels))
    return found


def message(look: Look, declared: Digest, moment: datetime) -> Message:
    """The overview of the local day before a moment."""
    begins, ends = day_before(declared, moment)
    known = [record for record in runs.all_of(look.data, look.target) if not record.replay]
    day = f"{begins.astimezone(ZoneInfo(declared.time_zone)):%A, %Y-%m-%d}"
    blocks: list[tuple[Any, ...]] = [
        *_runs(known, begins, ends),
        *_streams(look, declared, known),
        *_exceptions(look, declared, begins, ends),
        *_late(look, declared),
        *_undelivered(look, begins),
    ]
    if look.settings.dagster_url:
        blocks.append(("link", "Runs in Dagster", f"{look.settings.dagster_url}/runs"))
    about = f" ({', '.join(declared.orgs)})" if declared.orgs else ""
    return Message(f"Reconciliation of {day}{about}", tuple(blocks))


def _wants(declared: Digest, org: str | None, streams: Sequence[str]) -> bool:
    return (declared.orgs is None or org in declared.orgs) and (
        declared.streams is None or any(stream in declared.streams for stream in streams)
    )


def _runs(known: Sequence[RunRecord], begins: datetime, ends: datetime) -> list[tuple[Any, ...]]:
    counts: dict[str, int] = {}
    for record in known:
        if begins <= clock.from_text(record.started_at) < ends:
            words = {
                State.CLOSED: "closed the books",
                State.FAILED: "failed",
                State.CANCELLED: "cancelled",
                State.RUNNING: "at work or crashed",
            }[record.state]
            counts[words] = counts.get(words, 0) + 1
    total = sum(counts.values())
    if not total:
        return [("p", "Runs: none. Nothing has been reconciled on that day.")]
    return [("p", f"Runs: {total}, of which " + ", ".join(f"{n} {words}" for words, n in counts.items()) + ".")]


def _streams(look: Look, declared: Digest, known: Sequence[RunRecord]) -> list[tuple[Any, ...]]:
    """By org and stream what agrees and what does not, as the latest run saw it, and how unmatched records went."""
    closed = [record for record in known if record.state == State.CLOSED and record.facts]
    if not closed:
        return []
    latest: dict[tuple[str, str], RunRecord] = {}
    trends: dict[tuple[str, str], list[int]] = {}
    for record in closed:
        for place, (rows, _) in unmatched(record).items():
            latest[place] = record
            trends.setdefault(place, []).append(rows)
    lines = []
    for (org, stream), record in sorted(latest.items()):
        if not _wants(declared, org, [stream]):
            continue
        exponents = (record.facts or {}).get("exponents") or {}
        parts = []
        for result in SHOWN_RESULTS:
            groups = [
                group
                for group in (record.facts or {})["groups"]
                if (group["org_id"], group["stream"], group["result"]) == (org, stream, result)
            ]
            rows = sum(group["rows"] for group in groups)
            if not rows:
                continue
            money: dict[str, int] = {}
            for group in groups:
                if group["currency"]:
                    money[group["currency"]] = money.get(group["currency"], 0) + group["amount_minor"]
            words = result.lower().replace("_", " ")
            parts.append(f"{rows:,} {words} ({published.money_text(money, exponents)})")
        trend = trends[org, stream][-TREND:]
        went = f"; without a counterpart: {' → '.join(f'{rows:,}' for rows in trend)}" if len(trend) > 1 else ""
        lines.append(f"{org}, {stream}: {', '.join(parts) or 'nothing'}{went}")
    return [("p", "By stream, as of the latest run:"), ("list", lines)] if lines else []


def _exceptions(look: Look, declared: Digest, begins: datetime, ends: datetime) -> list[tuple[Any, ...]]:
    exponents = decimals(look.data, look.target)
    condition, values = _condition(declared)
    with published.marts(look.data) as connection:
        if connection is None:
            return [("p", "Exceptions: nothing has been published yet.")]
        counts = published.lifetimes(connection, begins, ends)
        first = published.oldest(connection, condition, values)
    lines = [
        f"{org}, {stream}: {said['new']:,} new, {said['closed']:,} closed, {said['open']:,} open"
        for (org, stream), said in sorted(counts.items())
        if _wants(declared, org, [stream])
    ]
    if not lines:
        return [("p", "Exceptions: none.")]
    blocks: list[tuple[Any, ...]] = [("p", "Exceptions:"), ("list", lines)]
    if first:
        org, stream, exception, opened, title, currency, minor = first
        amount = published.amount_text(minor, currency, exponents)
        since = texts.moment_text(opened, declared.time_zone)
        blocks.append(("p", f"The oldest: {title}, {amount}, {org}, {stream}, open since {since}."))
        blocks.append(("code", f"tieout trace {exception[: texts.SHORT_ID]}"))
    return blocks


def _condition(declared: Digest) -> tuple[str, list[str]]:
    parts, values = ["true"], []
    for column, wanted in (("e.org_id", declared.orgs), ("e.stream", declared.streams)):
        if wanted is not None:
            parts.append(f"{column} in ({', '.join('?' * len(wanted))})")
            values += wanted
    return " and ".join(parts), values


def _late(look: Look, declared: Digest) -> list[tuple[Any, ...]]:
    found = [
        one for one in late(look.data, look.project, look.now) if declared.orgs is None or one.org_id in declared.orgs
    ]
    if not found:
        return [("p", "Late feeds: none.")]
    lines = [
        f"{one.feed} of {one.org_id}: due {texts.moment_text(one.due_at, declared.time_zone)},"
        f" {texts.length_text(one.late_seconds)} ago"
        for one in found
    ]
    return [("p", "Late feeds:"), ("list", lines)]


def _undelivered(look: Look, since: datetime) -> list[tuple[Any, ...]]:
    """Messages that did not get through: somebody should know."""
    last = [tried[-1] for tried in look.journal.attempts.values() if tried and tried[-1].at >= since]
    given_up = sum(attempt.state == GAVE_UP for attempt in last)
    waiting = sum(attempt.state == FAILED for attempt in last)
    if not given_up and not waiting:
        return []
    return [
        ("p", f"Alerts: {given_up} could not be delivered and were given up, {waiting} are tried again."),
        ("code", "tieout alerts list --state GAVE_UP"),
    ]
