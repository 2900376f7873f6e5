"""The texts of alerts, for people in finance: what, how much, where, since when, what to do, and where to look."""

import re
import shlex
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from orchestration import clock
from orchestration.alerts.published import Group, amount_text, money_text
from orchestration.alerts.words import Message
from orchestration.landing.expected import LateFeed
from orchestration.runs import RunRecord

Block = tuple[Any, ...]
_DAGSTER_RUN = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
SHORT_ID = 12


def moment_text(moment: datetime | str, zone: str = "UTC") -> str:
    """A time as people read it; one without a zone is UTC."""
    if isinstance(moment, str):
        moment = clock.from_text(moment)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo("UTC"))
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} {zone}"


def length_text(seconds: float) -> str:
    """A length of time in its two largest units."""
    minutes = int(seconds) // 60
    for unit, size in (("day", 1_440), ("hour", 60)):
        if minutes >= size:
            whole, rest = divmod(minutes, size)
            small = rest // 60 if unit == "day" else rest
            below = "hour" if unit == "day" else "minute"
            return _counted(whole, unit) + (f" {_counted(small, below)}" if small else "")
    return _counted(minutes, "minute")


def _counted(number: int, one: str) -> str:
    return f"{number:,} {one if number == 1 else one + 's'}"


def run_link(record: RunRecord | None, dagster_url: str | None) -> list[Block]:
    """Where a run is to be seen: its page in Dagster where Dagster ran it, else the page of all runs."""
    if record is None:
        return []
    if not dagster_url:
        return [("p", f"Run {record.run_id}.")]
    found = _DAGSTER_RUN.search(record.start_reason)
    if found:
        return [("link", f"Run {record.run_id}", f"{dagster_url}/runs/{found[0]}")]
    return [("p", f"Run {record.run_id}, started by hand."), ("link", "Runs in Dagster", f"{dagster_url}/runs")]


def _place(org: str | None, stream: str | None, counterparty: str | None = None) -> str:
    said = [counterparty and f"counterparty {counterparty}", stream and f"stream {stream}", org and f"org {org}"]
    return ", ".join(part for part in said if part)


def _largest(group: Group, decimals: Mapping[str, int], *, due: bool) -> list[Block]:
    lines = []
    for shown in group.largest:
        amount = amount_text(shown.amount_minor, shown.currency, decimals)
        when = f"due {moment_text(shown.due_at)}" if due and shown.due_at else f"since {moment_text(shown.opened_at)}"
        what = shown.explanation or shown.title or ""
        lines.append(f"{amount}: {shown.title or shown.anomaly}. {what} ({shown.exception_id[:SHORT_ID]}, {when})")
    heading = "The largest:" if len(group.ids) > len(lines) else "They are:" if len(lines) > 1 else "It is:"
    return [("p", heading), ("list", lines)]


def _todo(group: Group) -> list[Block]:
    said = list(dict.fromkeys(shown.next_action for shown in group.largest if shown.next_action))
    todo: list[Block] = [("p", "What to do: " + " ".join(said))] if said else []
    first = group.largest[0].exception_id[:SHORT_ID] if group.largest else ""
    return [*todo, ("p", "From the first of them to file, row and rule:"), ("code", f"tieout trace {first}")]


def new_exceptions(group: Group, record: RunRecord, decimals: Mapping[str, int], dagster_url: str | None) -> Message:
    """What a run found with one counterparty, of one severity."""
    count = _counted(len(group.ids), "new exception")
    who = group.counterparty_id or "no counterparty"
    money = money_text(group.money, decimals, group.unknown)
    return Message(
        f"{group.severity}: {count}, {who}, {money}",
        (
            ("p", f"{count} of severity {group.severity}, together {money}."),
            ("p", f"Where: {_place(group.org_id, group.stream, who)}. Found as of {moment_text(record.as_of)}."),
            *_largest(group, decimals, due=False),
            *_todo(group),
            *run_link(record, dagster_url),
        ),
    )


def reminder(group: Group, decimals: Mapping[str, int], now: datetime, first: bool) -> Message:
    """What is open past its due time."""
    count = _counted(len(group.ids), "exception")
    who = group.counterparty_id or "no counterparty"
    money = money_text(group.money, decimals, group.unknown)
    again = "" if first else "Reminder: "
    late = length_text((now.replace(tzinfo=None) - group.due_at).total_seconds()) if group.due_at else ""
    return Message(
        f"{again}{count} past due, {group.severity}, {who}, {money}",
        (
            ("p", f"{count} of severity {group.severity}, together {money}, should have been settled by now."),
            (
                "p",
                f"Where: {_place(group.org_id, group.stream, who)}." + (f" Overdue for up to {late}." if late else ""),
            ),
            *_largest(group, decimals, due=True),
            *_todo(group),
            ("p", "Settle or explain them (`tieout exceptions`), or agree on another due time."),
        ),
    )


def _scope(record: RunRecord) -> str:
    return f"stream {record.scope}" if record.scope else "all streams"


def law_failed(record: RunRecord, dagster_url: str | None) -> Message:
    """The books did not close."""
    summary = record.summary or {}
    failed = max(int((summary.get("laws") or {}).get("failed") or 0), 1)
    said = [str(text) for text in summary.get("failures") or []] or [(record.failure or {}).get("failure_message", "")]
    named = f" ({record.failure['failure_code']})" if record.failure and record.failure.get("failure_code") else ""
    return Message(
        f"The books do not close: {_counted(failed, 'law')} failed{named}",
        (
            ("p", f"Nothing was published. Readers still see what the run before this one came to ({_scope(record)})."),
            ("list", [text for text in said if text][:5]),
            ("p", f"When: as of {moment_text(record.as_of)}, ended {moment_text(record.ended_at or record.as_of)}."),
            (
                "p",
                (
                    "What to do: run the query that the message names; its rows are what does not add up. Do not"
                    " publish by hand; mend the cause and run again."
                ),
            ),
            ("code", f"tieout audit steps {record.run_id}"),
            *run_link(record, dagster_url),
        ),
    )


def run_failed(record: RunRecord, what: str, todo: str, dagster_url: str | None) -> Message:
    """A run that came to nothing; `what` is `failed`, `crashed`, `timed out` or `was cancelled`."""
    failure = record.failure or {}
    reason = failure.get("failure_message") or {
        "crashed": "The process ended without saying how: it was killed, or the machine went down.",
        "was cancelled": "Somebody, or a scheduler, stopped it.",
    }.get(what, "The run did not say why.")
    ended = f", ended {moment_text(record.ended_at)}" if record.ended_at else ""
    return Message(
        f"A run {what}: {_scope(record)}" + (f" ({failure['failure_code']})" if failure.get("failure_code") else ""),
        (
            ("p", f"Nothing new was published. {reason}"),
            ("p", f"When: started {moment_text(record.started_at)}{ended}, by {record.started_by or 'nobody known'}."),
            ("p", f"What to do: {todo}"),
            ("code", "tieout audit dead-letters"),
            *run_link(record, dagster_url),
        ),
    )


def run_lapsed(record: RunRecord, lapses: Sequence[str], closed: bool, dagster_url: str | None) -> Message:
    """What a run had to go on without, as the policy of its stream lets it."""
    return Message(
        f"A run went on without {_counted(len(lapses), 'thing')}: {lapses[0]}",
        (
            ("p", ("The run closed the books with what was there. " if closed else "") + "It had to do without:"),
            ("list", list(lapses)[:10]),
            ("p", f"When: as of {moment_text(record.as_of)}."),
            ("p", "What to do: mend what the message names; the next run makes up for it."),
            *run_link(record, dagster_url),
        ),
    )


def connector_failed(
    name: str, said: Sequence[str], whole: bool, at: datetime, record: RunRecord | None, dagster_url: str | None
) -> Message:
    """What is wrong with a connector: with the whole of it, or with some of what it is to bring."""
    what = "cannot be worked with" if whole else f"leaves {_counted(len(said), 'thing')} behind"
    run = "A run went on with what was there. " if record else ""
    return Message(
        f"Connector {name} {what}: {said[0]}",
        (
            ("p", f"{run}Seen {moment_text(at)}:"),
            ("list", list(said)[:10]),
            (
                "p",
                (
                    f"What to do: mend what the message names; `tieout connectors check {name}` tries the connector."
                    " What has been left behind comes with the next fetch. This is told once; you hear again when it"
                    " is over."
                ),
            ),
            *run_link(record, dagster_url),
        ),
    )


def connector_works(name: str, whole: bool, since: datetime, at: datetime) -> Message:
    """That what was wrong with a connector is over."""
    what = f"Connector {name} works again" if whole else f"Connector {name} leaves nothing behind any more"
    told = f"What was reported on {moment_text(since)} is over (seen {moment_text(at)}). Nothing is left to do."
    return Message(what, (("p", told),))


def failed_files(org: str | None, feed: str | None, files: Sequence[tuple[str, str]]) -> Message:
    """Files that could not be landed, each with why."""
    where = f"{feed or 'an unknown feed'} of {org or 'nobody known'}"
    return Message(
        f"{_counted(len(files), 'file')} could not be landed: {where}",
        (
            ("p", f"Delivered for {where}, and put into `failed`, each with a text beside it that says what to do:"),
            ("list", [f"{name}: {reason}" for name, reason in files[:10]]),
            *([("p", f"And {len(files) - 10:,} more.")] if len(files) > 10 else []),
            ("p", "Their records are in no reconciliation. Correct them, or ask who delivers them for correct ones."),
        ),
    )


def backlog(
    record: RunRecord,
    org: str,
    stream: str,
    now_rows: int,
    before: str,
    growth: str,
    money: str,
    dagster_url: str | None,
) -> Message:
    """The unmatched records of a stream grow."""
    return Message(
        f"Unmatched records grow: {stream}, {now_rows:,} ({growth})",
        (
            ("p", f"{now_rows:,} records have no counterpart, together {money}; {before}."),
            ("p", f"Where: {_place(org, stream)}. As of {moment_text(record.as_of)}."),
            (
                "p",
                "What to do: look whether a delivery is incomplete or late, or the ids of one side have changed.",
            ),
            # A name may hold what a shell takes for its own.
            ("code", f"tieout exceptions list --org {shlex.quote(org)} --stream {stream}"),
            *run_link(record, dagster_url),
        ),
    )


def late_feed(late: LateFeed, streams: Sequence[str]) -> Message:
    """A delivery that has not come."""
    last = f"The last one came {moment_text(late.last_received_at)}." if late.last_received_at else "None ever came."
    waiting = "Records that came due since then wait" if late.last_received_at else "Records wait"
    concerned = f" Concerned: {', '.join(streams)}." if streams else ""
    return Message(
        f"Late: {late.feed} of {late.org_id}, due {moment_text(late.due_at)}",
        (
            (
                "p",
                (
                    f"The delivery of {late.feed} for {late.org_id} was due {moment_text(late.due_at)} and has not"
                    f" come, {length_text(late.late_seconds)} later. {last}"
                ),
            ),
            ("p", f"{waiting} for it as pending.{concerned}"),
            ("p", "What to do: ask who delivers it. This is told once; you hear again when it has come."),
        ),
    )


def late_feed_came(org: str, feed: str, since: datetime, now: datetime) -> Message:
    """That a late delivery has come."""
    return Message(
        f"Came: {feed} of {org}",
        (
            (
                "p",
                (
                    f"The delivery of {feed} for {org} that was reported late on {moment_text(since)} is there, or is"
                    f" not waited for any more (seen {moment_text(now)}). Nothing is left to do."
                ),
            ),
        ),
    )
