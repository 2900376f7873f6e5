"""What there is to tell: alerts made of ended runs, late feeds, due times and the digest. Nothing is sent here, and the
spool is only read."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from orchestration import clock, runs
from orchestration.alerts import connectors, published, texts
from orchestration.alerts.journal import Alert, Journal, key_of
from orchestration.alerts.settings import (
    BACKLOG,
    CONNECTOR_FAILED,
    EXCEPTIONS,
    FAILED_FILES,
    LATE_FEED,
    LAW_FAILED,
    RUN_FAILED,
    SLA,
    Backlog,
    Settings,
)
from orchestration.at_work import is_at_work
from orchestration.audit import failures
from orchestration.audit.failures import RunFailure
from orchestration.data_dir import DataDir
from orchestration.failed_files import FailedFile, failed_files, reason_of
from orchestration.health.late import late as health_late
from orchestration.runs import RunRecord, State

# Results of records that have no counterpart; those that still wait for one are not counted.
UNMATCHED = ("MISSING_SOURCE", "MISSING_TARGET", "AMBIGUOUS")
CRASHED, TIMED_OUT = "crashed", "timed out"
LATE_AGAIN = "recovered"


@dataclass(frozen=True)
class Look:
    """Everything that alerts are made from, at one moment."""

    data: DataDir
    project: Path
    target: str
    now: datetime
    settings: Settings
    journal: Journal


def decimals(data: DataDir, target: str) -> dict[str, int]:
    """Decimals of every currency, as the latest run knew them."""
    record = runs.latest_with_summary(data, target)
    return dict(record.facts["exponents"]) if record is not None and record.facts else {}


@dataclass(frozen=True)
class Ended:
    """A run that has ended: how (`closed`, `failed`, `crashed`, `timed out` or `cancelled`), the mark by which this end
    is known, and when its record was written, in nanoseconds."""

    record: RunRecord
    end: str
    mark: str
    written: int


def ended_runs(look: Look) -> Iterator[Ended]:
    """Runs whose record has been written since it was last looked at, oldest first. Records that are as they were are
    not even opened: there may be thousands, and they are looked at every minute."""
    for file in sorted(look.data.runs.glob("*.json")):
        written = file.stat().st_mtime_ns
        if look.journal.looked_at.get(file.stem) == written:
            continue
        record = runs.load(look.data, file.stem)
        if record is None or record.target != look.target:
            continue
        end = _end_of(look, record)
        if end is not None:
            yield Ended(record, end, f"{record.run_id} {end} {record.ended_at or ''}".strip(), written)


def _end_of(look: Look, record: RunRecord) -> str | None:
    """How a run ended; None while it may still be at work."""
    if record.state == State.CLOSED:
        return "closed"
    if record.state == State.CANCELLED:
        return "cancelled"
    if record.state == State.FAILED:
        said = record.failure or {}
        code = said.get("failure_code", "")
        return CRASHED if code == failures.CRASHED else TIMED_OUT if "timeout" in code.lower() else "failed"
    if is_at_work(look.data, record, look.now, look.settings.crashed_after):
        return None
    # It may have ended since its record was read.
    again = runs.load(look.data, record.run_id)
    if again is None or again.state != State.RUNNING:
        return None
    return "closed" if again.published else CRASHED


def is_old(look: Look, record: RunRecord) -> bool:
    """Whether a run ended long before anybody asked for alerts: then nobody is told of it any more."""
    if look.journal.begun_at is None:
        return False
    return clock.from_text(record.ended_at or record.started_at) < look.journal.begun_at - look.settings.look_back


def of_run(look: Look, record: RunRecord, end: str) -> list[Alert]:
    """All that is to be told of a run that has ended."""
    found: list[Alert] = []
    # A run that failed has no summary; what it had landed without stands in its record.
    lapses = [str(text) for text in (record.summary or {}).get("lapses") or record.lapses]
    standings, others = connectors.lapses_of(record, lapses)
    for standing in standings:
        found += connectors.troubles(look.journal, look.settings, standing, look.now, record)
    if others:
        message = texts.run_lapsed(record, others, end == "closed", look.settings.dagster_url)
        found.append(_of_run(look, CONNECTOR_FAILED, record, message, others))
    if end != "closed":
        failed = _of_failure(look, record, end)
        return [failed, *found] if failed else found
    if record.replay:
        return found
    found += _exceptions(look, record)
    if look.settings.backlog is not None:
        found += _backlogs(look, look.settings.backlog, record)
    return found


def _of_failure(look: Look, record: RunRecord, end: str) -> Alert | None:
    url = look.settings.dagster_url
    if end == "cancelled":
        if not look.settings.cancelled_runs:
            return None
        message = texts.run_failed(record, "was cancelled", "nothing, if it was meant; else run again.", url)
        return _of_run(look, RUN_FAILED, record, message, [end])
    cause = (record.failure or {}).get("failure_class", failures.ENGINE)
    if cause == failures.LAW and end == "failed":
        return _of_run(look, LAW_FAILED, record, texts.law_failed(record, url), [record.ended_at])
    failure = RunFailure(cause, (record.failure or {}).get("failure_code", ""), "")
    message = texts.run_failed(record, end, failures.what_to_do(failure), url)
    return _of_run(look, RUN_FAILED, record, message, [end, record.ended_at])


def _of_run(look: Look, kind: str, record: RunRecord, message: texts.Message, what: Sequence[object]) -> Alert:
    return Alert(
        key=key_of(kind, record.run_id, *what),
        kind=kind,
        severity=look.settings.severities[kind],
        message=message,
        streams=(record.scope,) if record.scope else (),
        run_id=record.run_id,
    )


def _exceptions(look: Look, record: RunRecord) -> list[Alert]:
    # A run that broke off after publishing has none of its own.
    exponents = dict((record.facts or {}).get("exponents") or decimals(look.data, look.target))
    moments = _since_closed(look, record)
    with published.marts(look.data) as connection:
        groups = published.opened_at(connection, moments, exponents) if connection else []
    return [
        Alert(
            # The time instead of the run: the same found again at the same time is no news.
            key=key_of(EXCEPTIONS, *_of_group(group), record.as_of, *group.ids),
            kind=EXCEPTIONS,
            severity=group.severity,
            message=texts.new_exceptions(group, record, exponents, look.settings.dagster_url),
            org_id=group.org_id,
            streams=(group.stream,),
            counterparty_id=group.counterparty_id,
            run_id=record.run_id,
        )
        for group in groups
    ]


def _since_closed(look: Look, record: RunRecord) -> list[datetime]:
    """The clock of a run, and those of the runs since the last one that closed the books: what one of these had written
    down when it broke off, readers see with this run first."""
    own = clock.from_text(record.as_of)
    moments = [own]
    for file in sorted(look.data.runs.glob("*.json"), reverse=True):
        other = runs.load(look.data, file.stem) if file.stem < record.run_id else None
        if other is None or other.target != look.target or other.replay:
            continue
        moment = clock.from_text(other.as_of)
        has_closed = other.state == State.CLOSED or (other.state == State.RUNNING and other.published)
        # One that closed at the same time told what this one would, and is known by the same exceptions.
        if has_closed and moment != own:
            # What was found at its time has been told with it.
            return [one for one in moments if one == own or one > moment]
        if moment not in moments:
            moments.append(moment)
    return moments


def _of_group(group: published.Group) -> tuple[str | None, ...]:
    return (group.org_id, group.stream, group.counterparty_id, group.severity)


def unmatched(record: RunRecord) -> dict[tuple[str, str], tuple[int, dict[str, int]]]:
    """The records without a counterpart by org and stream: how many, and their money by currency in minor units."""
    found: dict[tuple[str, str], tuple[int, dict[str, int]]] = {}
    for group in (record.facts or {}).get("groups") or []:
        rows, money = found.get((group["org_id"], group["stream"]), (0, {}))
        if group["result"] in UNMATCHED:
            rows += group["rows"]
            if group["currency"]:
                money = {**money, group["currency"]: money.get(group["currency"], 0) + group["amount_minor"]}
        found[group["org_id"], group["stream"]] = (rows, money)
    return found


def runs_before(look: Look, record: RunRecord, streams: Iterable[str], most: int) -> dict[str, list[RunRecord]]:
    """By stream the latest runs before one that closed its books, newest first, so many at most. Records are read once,
    and none that is older than what is asked for."""
    found: dict[str, list[RunRecord]] = {stream: [] for stream in streams}
    for file in sorted(look.data.runs.glob("*.json"), reverse=True):
        if all(len(earlier) >= most for earlier in found.values()):
            break
        other = runs.load(look.data, file.stem)
        if other is None or other.target != look.target or other.state != State.CLOSED or other.replay:
            continue
        if other.started_at >= record.started_at:
            continue
        for stream in found.keys() & set((other.facts or {}).get("streams") or []):
            found[stream] = [*found[stream], other][:most]
    return found


def _backlogs(look: Look, declared: Backlog, record: RunRecord) -> Iterator[Alert]:
    exponents = dict((record.facts or {}).get("exponents") or {})
    now = unmatched(record)
    before_now = runs_before(look, record, {stream for _, stream in now}, declared.mean_of)
    known = {stream: [unmatched(other) for other in earlier] for stream, earlier in before_now.items()}
    for (org, stream), (rows, money) in sorted(now.items()):
        # Runs that knew nothing of the org yet are no measure.
        earlier = [found[org, stream][0] for found in known[stream] if (org, stream) in found]
        if not earlier or not has_grown(declared, rows, earlier):
            continue
        total, count = sum(earlier), len(earlier)
        grown = f"+{rows - -(-total // count):,} rows" if count > 1 else f"+{rows - total:,} rows"
        if total:
            grown += f", +{(rows * count - total) * 100 // total} %"
        before = (
            f"the mean of the {count} runs before was {total / count:,.1f}"
            if count > 1
            else f"{total:,} in the run before"
        )
        message = texts.backlog(
            record, org, stream, rows, before, grown, published.money_text(money, exponents), look.settings.dagster_url
        )
        yield Alert(
            key=key_of(BACKLOG, org, stream, record.run_id),
            kind=BACKLOG,
            severity=look.settings.severities[BACKLOG],
            message=message,
            org_id=org,
            streams=(stream,),
            run_id=record.run_id,
        )


def has_grown(declared: Backlog, rows: int, earlier: Sequence[int]) -> bool:
    """Whether there are more than declared against the mean of `earlier`, in whole numbers; from nothing, every growth
    is more than any percentage."""
    total, count = sum(earlier), len(earlier)
    grown = rows * count - total
    if grown <= 0:
        return False
    if declared.rows is not None and grown < declared.rows * count:
        return False
    return declared.percent is None or grown * 100 > declared.percent * total


def of_connectors(look: Look) -> list[Alert]:
    """What is wrong with connectors by their own books, and what is over."""
    found = []
    for standing in connectors.standings(look.data.root, look.project):
        found += connectors.recovered(look.journal, standing, look.now)
        found += connectors.troubles(look.journal, look.settings, standing, look.now)
    return found


def failed_since(look: Look) -> tuple[list[Alert], list[str]]:
    """Files that have gone to the failed and nobody was told of, by org and feed; and the marks by which they are known
    from now on. Those of long before anybody asked for alerts are only marked."""
    begun = look.journal.begun_at or look.now
    first = (begun - look.settings.look_back).timestamp() * 1e9
    fresh = [file for file in failed_files(look.data) if file.mark not in look.journal.files]
    groups: dict[tuple[str | None, str | None], list[FailedFile]] = {}
    for file in fresh:
        if file.failed_ns >= first:
            groups.setdefault((file.org_id, file.feed), []).append(file)
    concerned = streams_of_feeds(look.project) if groups else {}
    found = [
        Alert(
            key=key_of(FAILED_FILES, *(file.mark for file in files)),
            kind=FAILED_FILES,
            severity=look.settings.severities[FAILED_FILES],
            message=texts.failed_files(
                org, feed, [(file.path.rsplit("/", 1)[-1], reason_of(look.data, file)) for file in files]
            ),
            org_id=org,
            streams=concerned.get(feed or "", ()),
        )
        for (org, feed), files in groups.items()
    ]
    return found, [file.mark for file in fresh]


def late(look: Look) -> list[Alert]:
    """Late feeds that nobody has been told of, and those that have come since."""
    now_late = {f"{one.org_id} {one.feed}": one for one in health_late(look.data, look.project, look.now)}
    known = look.journal.open_subjects(LATE_FEED)
    concerned = streams_of_feeds(look.project) if now_late.keys() - known.keys() else {}
    found = []
    for subject, one in now_late.items():
        if subject in known:
            continue
        streams = concerned.get(one.feed, ())
        # What was over may begin anew for the same delivery: it was not waited for meanwhile.
        before = look.journal.latest(LATE_FEED).get(subject)
        found.append(
            Alert(
                key=key_of(LATE_FEED, subject, clock.to_text(one.due_at), before and before.alert.key),
                kind=LATE_FEED,
                severity=look.settings.severities[LATE_FEED],
                message=texts.late_feed(one, streams),
                org_id=one.org_id,
                streams=streams,
                subject=subject,
            )
        )
    for subject, raised in known.items():
        if subject in now_late:
            continue
        # An org's name may hold blanks.
        org, _, feed = subject.rpartition(" ")
        found.append(
            Alert(
                key=key_of(LATE_AGAIN, raised.alert.key),
                kind=LATE_FEED,
                severity=raised.alert.severity,
                message=texts.late_feed_came(org, feed, raised.at, look.now),
                org_id=org,
                streams=raised.alert.streams,
                subject=subject,
                is_over=True,
            )
        )
    return found


def streams_of_feeds(project: Path) -> dict[str, tuple[str, ...]]:
    """Which streams a feed's records take part in, by feed."""
    from orchestration.project import feeds_of_streams

    found: dict[str, tuple[str, ...]] = {}
    for stream, feeds in feeds_of_streams(project).items():
        for feed in feeds:
            found[feed] = (*found.get(feed, ()), stream)
    return found


def reminders(look: Look) -> list[Alert]:
    """What is open past its due time and was not reminded of for as long as is declared. Of a group of which one is
    due for a reminder, those that would be before half of that time has passed come with it."""
    every = look.settings.remind_every
    if every is None:
        return []
    told = _reminded(look.journal)
    wanted: dict[tuple[str, str, str | None, str], list[tuple[str, str]]] = {}
    times: dict[tuple[str, str], datetime | None] = {}
    with published.marts(look.data) as connection:
        if connection is None:
            return []
        grouped: dict[tuple[str, str, str | None, str], list[tuple[tuple[str, str], bool, bool]]] = {}
        for org, stream, counterparty, severity, exception, due_at in published.overdue(connection, look.now):
            one = (org, exception)
            last = told.get(one)
            since = due_at.replace(tzinfo=look.now.tzinfo)
            # A reminder before it became due belongs to its life before it was taken up again.
            is_new = last is None or last < since
            is_due = is_new or (last is not None and look.now - last >= every)
            nearly = is_new or (last is not None and look.now - last >= every / 2)
            grouped.setdefault((org, stream, counterparty, severity), []).append((one, is_due, nearly))
            times[one] = last
        for group, members in grouped.items():
            if any(is_due for _, is_due, _ in members):
                wanted[group] = [one for one, _, nearly in members if nearly]
        if not wanted:
            return []
        exponents = decimals(look.data, look.target)
        groups = published.named(connection, [one for ones in wanted.values() for one in ones], exponents)
    return [
        Alert(
            key=key_of(SLA, *_of_group(group), *((one, times[group.org_id, one]) for one in group.ids)),
            kind=SLA,
            severity=group.severity,
            message=texts.reminder(
                group, exponents, look.now, all(times[group.org_id, one] is None for one in group.ids)
            ),
            org_id=group.org_id,
            streams=(group.stream,),
            counterparty_id=group.counterparty_id,
            exceptions=group.ids,
        )
        for group in groups
    ]


def _reminded(journal: Journal) -> Mapping[tuple[str, str], datetime]:
    """When each exception was last reminded of, by org and id."""
    found: dict[tuple[str, str], datetime] = {}
    for raised in journal.raised.values():
        if raised.alert.kind == SLA:
            for one in raised.alert.exceptions:
                place = (raised.alert.org_id or "", one)
                found[place] = max(found.get(place, raised.at), raised.at)
    return found
