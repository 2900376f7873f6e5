"""Telling people what is due: gather, note in the spool, send, note what came of it.

What goes out stands in the spool before it is sent, and what was sent right after. A crash in between sends a message
twice; nothing that stands in the spool is ever lost.
"""

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from orchestration import clock, logs
from orchestration.alerts import digests, gathering, noting, settings
from orchestration.alerts.channels import ChannelError, DeliveryError, Sender
from orchestration.alerts.gathering import Look
from orchestration.alerts.journal import (
    FAILED,
    GAVE_UP,
    SENT,
    SETTLED,
    SUPPRESSED,
    Alert,
    Attempt,
    Journal,
    Raised,
    alone,
    delivery_event,
    files_event,
    key_of,
    raised_event,
    seen_event,
)
from orchestration.alerts.routing import addresses_of, channel_of, channels_of, is_urgent
from orchestration.alerts.settings import DIGEST, SEVERITIES, TEST, Channel, Settings
from orchestration.alerts.words import Message, clean, combined
from orchestration.data_dir import DataDir
from orchestration.errors import TieoutError, UsageError

# How long to wait for another process that is telling people.
WAIT = 10.0  # seconds
# After so long no other message is begun in a call: a run, or Dagster's sensor, does not wait for a dead mail server.
MOST_TIME = 40.0  # seconds
LONGEST_PAUSE = timedelta(hours=1)
# Stands where an alert goes to nobody.
NOBODY = "-"


@dataclass
class AlertReport:
    """What one call did: how many alerts are new, and how many deliveries ended how. `held` waits for the end of the
    quiet period, `waiting` is tried again later. `troubles` are what kept part of it from being done."""

    is_configured: bool = True
    is_busy: bool = False
    raised: int = 0
    sent: int = 0
    failed: int = 0
    gave_up: int = 0
    suppressed: int = 0
    held: int = 0
    waiting: int = 0
    troubles: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether all that was due went out."""
        return not (self.failed or self.gave_up or self.troubles)

    def to_json(self) -> dict[str, Any]:
        """The report as `tieout alerts send --json` prints it."""
        return asdict(self)

    def __str__(self) -> str:
        return self.line()

    def line(self) -> str:
        """The report in one line."""
        if not self.is_configured:
            return f"Alerts: there is no {settings.FILE}; nobody is told."
        if self.is_busy:
            return "Alerts: another process is sending; it, or the next call, sends what is due."
        counts = {
            "sent": self.sent,
            "failed, tried again later": self.failed,
            "given up": self.gave_up,
            "for nobody": self.suppressed,
            "held until the quiet period ends": self.held,
            "waiting for their next try": self.waiting,
        }
        said = ", ".join(f"{count} {words}" for words, count in counts.items() if count) or "nothing to send"
        return f"Alerts: {said}." + "".join(f" {trouble}" for trouble in self.troubles)


def send_due(data: DataDir, project: Path, target: str, now: datetime) -> AlertReport:
    """Tell people all that is due at `now` (UTC) and that they have not been told yet. Safe to call at any time, any
    number of times, from any number of processes: each alert goes out once.

    Raises:
        UsageError: `alerts.yml` has faults, or the environment's size of the log is none.
    """
    said = settings.load(project)
    if said is None:
        return AlertReport(is_configured=False)
    logs.open_in(data.root)
    report = AlertReport()
    with _looking(data, project, target, now, said) as look:
        if look is None:
            return AlertReport(is_busy=True)
        if look.journal.begun_at is None:
            look.journal.add([{"what": "begun", "at": clock.to_text(now)}])
        _raise_all(look, report)
        _deliver(look, report)
        noted = noting.take_in_now(data, target, look.journal)
        look.journal.compact(noted, now)
    return report


def send_test(data: DataDir, project: Path, target: str, name: str, now: datetime) -> AlertReport:
    """Send a test message to a channel, whatever routes and quiet periods say.

    Raises:
        UsageError: there is no such channel, or `alerts.yml` is absent or has faults.
    """
    said = settings.load(project)
    if said is None:
        raise UsageError(f"There is no {settings.FILE} in {project}. deploy/alerts.example.yml shows one.")
    if name not in said.channels:
        raise UsageError(f"There is no channel {name!r} in {settings.FILE}. Channels: {', '.join(said.channels)}.")
    logs.open_in(data.root)
    report = AlertReport()
    with _looking(data, project, target, now, said) as look:
        if look is None:
            return AlertReport(is_busy=True)
        message = Message(
            "Test of a channel",
            (
                ("p", f"This is a test of the channel {name}, sent {now:%Y-%m-%d %H:%M} UTC. Nothing has happened."),
                ("p", "Whoever reads this hears of alerts that go there."),
            ),
        )
        alert = Alert(key_of(TEST, name, clock.to_text(now)), TEST, "LOW", message)
        look.journal.add([raised_event(alert, addresses_of(said, [name]), now)])
        report.raised = 1
        sender = Sender(said.delivery)
        for address, url in said.channels[name].addresses.items():
            _send(look, sender, report, said.channels[name], address, url, [look.journal.raised[alert.key]], message)
            if look.journal.state_of(alert.key, address) == FAILED:
                # Nobody waits for a test.
                _note(look, [alert.key], address, GAVE_UP, message, "A test is not repeated.")
        noting.take_in_now(data, target, look.journal)
    return report


@contextmanager
def _looking(data: DataDir, project: Path, target: str, now: datetime, said: Settings) -> Iterator[Look | None]:
    """Everything that alerts are made from, while nobody else tells people; None where somebody else does for long."""
    with alone(data, WAIT) as is_mine:
        yield Look(data, project, target, now, said, Journal.of(data, target)) if is_mine else None


def _raise_all(look: Look, report: AlertReport) -> None:
    """Put all that is to be told into the spool. What keeps one source from being read does not keep the others."""
    for ended in _tolerant(report, "Runs", lambda: list(gathering.ended_runs(look))):

        def of_run(ended: gathering.Ended = ended) -> list[Alert]:
            known = ended.mark in look.journal.seen or gathering.is_old(look, ended.record)
            alerts = [] if known else gathering.of_run(look, ended.record, ended.end)
            # With its alerts, in one write: a run is never marked without them.
            _raise(look, report, alerts, seen_event(ended.mark, look.now, ended.written))
            return []

        _tolerant(report, f"Run {ended.record.run_id}", of_run)
    sources = (
        ("Late feeds", gathering.late),
        ("Connectors", gathering.of_connectors),
        ("Reminders", gathering.reminders),
    )
    for name, source in sources:

        def of_source(source: Callable[[Look], list[Alert]] = source) -> list[Alert]:
            _raise(look, report, source(look))
            return []

        _tolerant(report, name, of_source)

    def of_files() -> list[Alert]:
        alerts, marks = gathering.failed_since(look)
        _raise(look, report, alerts, *([files_event(marks, look.now)] if marks else []))
        return []

    _tolerant(report, "Failed files", of_files)
    for alert, channels in _tolerant(report, "Digest", lambda: digests.due(look)):
        look.journal.add([raised_event(alert, addresses_of(look.settings, channels), look.now)])
        report.raised += 1


def _tolerant(report: AlertReport, what: str, source: Callable[[], list[Any]]) -> list[Any]:
    try:
        return source()
    except (TieoutError, duckdb.Error, sqlite3.Error, OSError, ValueError) as error:
        report.troubles.append(f"{what} could not be looked at: {clean(error)}")
        return []


def _raise(look: Look, report: AlertReport, alerts: Iterable[Alert], *others: dict[str, Any]) -> None:
    events = []
    for alert in alerts:
        if alert.key in look.journal.raised:
            continue
        events.append(raised_event(alert, addresses_of(look.settings, channels_of(look.settings, alert)), look.now))
        report.raised += 1
    look.journal.add([*events, *others])


def _deliver(look: Look, report: AlertReport) -> None:
    """Send what waits, channel by channel."""
    _drop_unrouted(look, report)
    sender = Sender(look.settings.delivery)
    until = time.monotonic() + MOST_TIME
    for channel in look.settings.channels.values():
        for address in _addresses_waiting(look, channel):
            # One that has changed its number since goes to the first.
            url = channel.addresses.get(address, channel.urls[0])
            bundles = _bundled(_ready(look, report, address), look.settings)
            for number, (raised, message) in enumerate(bundles, 1):
                if time.monotonic() >= until:
                    report.waiting += sum(len(others) for others, _ in bundles[number - 1 :])
                    break
                if not _send(look, sender, report, channel, address, url, raised, message):
                    # What is wrong with the channel is wrong with its other messages: they wait for the next call.
                    report.waiting += sum(len(others) for others, _ in bundles[number:])
                    break


def _addresses_waiting(look: Look, channel: Channel) -> list[str]:
    """The addresses of a channel for which something is not settled, as they were called when it was raised: what has
    been delivered stays so, whatever becomes of the channel."""
    waiting = {
        address
        for raised in look.journal.raised.values()
        for address in raised.channels
        if channel_of(address) == channel.name and look.journal.state_of(raised.alert.key, address) not in SETTLED
    }
    return sorted(waiting)


def _drop_unrouted(look: Look, report: AlertReport) -> None:
    """Note of alerts that go to nobody, or to a channel that is not declared any more, that they do."""
    for raised in list(look.journal.raised.values()):
        for name in raised.channels or (NOBODY,):
            gone = channel_of(name) not in look.settings.channels
            if not gone or look.journal.state_of(raised.alert.key, name) in SETTLED:
                continue
            said = (
                "No route leads to a channel."
                if name == NOBODY
                else f"{settings.FILE} declares no channel {channel_of(name)} any more."
            )
            _note(look, [raised.alert.key], name, SUPPRESSED, raised.alert.message, said)
            report.suppressed += 1


def _ready(look: Look, report: AlertReport, address: str) -> list[Raised]:
    """What is to go to an address now: neither settled, nor held, nor waiting for its next try."""
    is_quiet = look.settings.quiet is not None and look.settings.quiet.covers(look.now)
    ready = []
    for raised in list(look.journal.raised.values()):
        key = raised.alert.key
        if address not in raised.channels or look.journal.state_of(key, address) in SETTLED:
            continue
        if raised.alert.kind == TEST:
            continue
        if is_quiet and not is_urgent(raised.alert):
            if not raised.held:
                look.journal.add([{"what": "held", "key": key, "at": clock.to_text(look.now)}])
            report.held += 1
            continue
        if _next_try(look, key, address) > look.now:
            report.waiting += 1
            continue
        ready.append(raised)
    return ready


def _next_try(look: Look, key: str, address: str) -> datetime:
    """When a message that did not get through is tried again: after a minute, then at twice the time, up to an hour."""
    tried = look.journal.attempts.get((key, address)) or []
    if not tried:
        return look.now
    calls = len({attempt.at for attempt in tried})
    pause = min(timedelta(minutes=2 ** min(calls - 1, 10)), LONGEST_PAUSE)
    return tried[-1].at + pause


def _bundled(ready: Sequence[Raised], said: Settings) -> list[tuple[list[Raised], Message]]:
    """Messages to send, the worst first: what a quiet period has held goes as one, and what would be more than so many
    messages at once does too."""
    rank = {severity: number for number, severity in enumerate(reversed(SEVERITIES))}
    released = [raised for raised in ready if raised.held and raised.alert.kind != DIGEST]
    single = [raised for raised in ready if raised not in released]
    if len(released) == 1:
        single, released = single + released, []
    single.sort(key=lambda raised: (rank[raised.alert.severity], raised.at))
    together: list[tuple[list[Raised], Message]] = []
    if len(single) > said.most_messages:
        single, rest = single[: said.most_messages - 1], single[said.most_messages - 1 :]
        together.append((rest, combined(f"{len(rest)} more alerts", [one.alert.message for one in rest])))
    if released:
        released.sort(key=lambda raised: (rank[raised.alert.severity], raised.at))
        title = f"While it was quiet: {len(released)} alerts"
        together.append((released, combined(title, [one.alert.message for one in released])))
    return [*(([raised], raised.alert.message) for raised in single), *together]


def _send(
    look: Look,
    sender: Sender,
    report: AlertReport,
    channel: Channel,
    address: str,
    url: str,
    raised: Sequence[Raised],
    message: Message,
) -> bool:
    """Send one message, trying again at growing intervals; every attempt is noted. Says whether it got through."""
    import tenacity

    keys = [one.alert.key for one in raised]
    bad = any(not one.alert.is_over and one.alert.kind not in (DIGEST, TEST) for one in raised)

    def once() -> None:
        try:
            sender.send(url, message, sender.format_of(url, channel.format), bad=bad)
        except (ChannelError, DeliveryError) as error:
            _note(look, keys, address, FAILED, message, clean(error))
            raise
        _note(look, keys, address, SENT, message)

    try:
        tenacity.Retrying(
            stop=tenacity.stop_after_attempt(look.settings.delivery.tries),
            wait=tenacity.wait_exponential_jitter(multiplier=0.2, max=5, jitter=0.2),
            retry=tenacity.retry_if_exception_type(DeliveryError),
            reraise=True,
        )(once)
    except (ChannelError, DeliveryError):
        given_up = [key for key in keys if _is_over_time(look, key, address)]
        if given_up:
            _note(look, given_up, address, GAVE_UP, message, "Not delivered for as long as alerts.yml allows.")
        report.gave_up += len(given_up)
        report.failed += len(keys) - len(given_up)
        return False
    report.sent += len(keys)
    return True


def _is_over_time(look: Look, key: str, address: str) -> bool:
    first = look.journal.attempts[key, address][0].at
    return look.now - first >= look.settings.delivery.give_up_after


def _note(
    look: Look, keys: Sequence[str], address: str, state: str, message: Message, error: str | None = None
) -> None:
    """Note of alerts how their delivery to an address went; a number says which attempt it was."""
    events = []
    for offset, key in enumerate(keys, 1):
        tried = look.journal.attempts.get((key, address)) or []
        attempt = sum(one.state in (SENT, FAILED) for one in tried) + (state in (SENT, FAILED))
        number = look.journal.last_number + offset
        alert = look.journal.raised[key].alert
        logs.info(
            "alert_delivery",
            run_id=alert.run_id,
            org=alert.org_id,
            stream=", ".join(alert.streams) or None,
            kind=alert.kind,
            channel=address,
            state=state,
            attempt=attempt,
            message=error,
        )
        events.append(delivery_event(Attempt(number, key, address, state, attempt, look.now, message.digest, error)))
    look.journal.add(events)
