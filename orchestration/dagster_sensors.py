"""What starts runs, or tells people, when something happens rather than when the clock says so: files in the inbox,
files at the places that connectors read, and what has to be looked at every minute."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

import dagster as dg

from orchestration import clock, pipeline
from orchestration.dagster_schedules import ASKED_TAG, DUE, JOB, LAND, WAITING, asked, is_waiting, request_of
from orchestration.data_dir import DataDir
from orchestration.environment import DAILY, HOURLY
from orchestration.errors import TieoutError
from orchestration.landing.files import DONE, has_beside, walk_inbox
from orchestration.manifests import default_data_dir, default_target
from orchestration.project import feeds_of_streams
from orchestration.redaction import redacted
from orchestration.streams import StreamPage

T = TypeVar("T")

LAND_JOB = "land"
# Where connectors are declared.
CONNECTORS = "connectors"
# Seconds between two looks. A file is complete when two of them find it the same.
LOOK_EVERY, POLL_EVERY, WATCH_EVERY = 20, 60, 60
# Seconds after which a look begins nothing more: Dagster ends one that takes a minute, and forgets all that it found.
BUDGET = 30.0
# Seconds after which a run is asked for once more where what it was asked for is still there: twice as many each
# further time, up to the most.
AGAIN_AFTER, AGAIN_AT_MOST = 600.0, 14_400.0
AT_WORK = (*WAITING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING)


@dataclass
class Seen:
    """What a sensor remembers: how files were at the last look (size and time of change), for which it has asked a run,
    when (seconds since 1970) and how many times, and with what the next look begins."""

    files: dict[str, list[int]] = field(default_factory=dict)
    asked: dict[str, tuple[float, int]] = field(default_factory=dict)
    first: str = ""

    @classmethod
    def read(cls, cursor: str | None) -> "Seen":
        """The memory behind a cursor; a new one where it cannot be read."""
        try:
            said = json.loads(cursor or "{}")
            asked = {str(key): (float(at), int(times)) for key, (at, times) in dict(said.get("asked", {})).items()}
            return cls(dict(said.get("files", {})), asked, str(said.get("first", "")))
        except (ValueError, TypeError, AttributeError):
            return cls()

    def cursor(self) -> str:
        """As Dagster keeps it."""
        return json.dumps({"files": self.files, "asked": self.asked, "first": self.first})

    def is_fresh(self, key: str, now: datetime, *, is_busy: bool) -> bool:
        """Whether to ask a run for this: none was, or the one that was has ended long enough ago and left it there."""
        if key not in self.asked:
            return True
        at, times = self.asked[key]
        return not is_busy and now.timestamp() - at >= min(AGAIN_AFTER * 2 ** (times - 1), AGAIN_AT_MOST)

    def run_key(self, keys: Iterable[str]) -> str:
        """The key of the next run for these. Dagster starts none with a key that it knows, so each attempt has its
        own."""
        return digest(f"{key}#{self._times(key) + 1}" for key in keys)

    def ask(self, keys: Iterable[str], now: datetime) -> None:
        """Remember that a run was asked for these."""
        self.asked |= {key: (now.timestamp(), self._times(key) + 1) for key in keys}

    def _times(self, key: str) -> int:
        return self.asked[key][1] if key in self.asked else 0


def look(inbox: Path, seen: Seen, now: datetime, *, is_busy: bool = False) -> tuple[list[str], Seen]:
    """The files that are complete and that a run is to be asked for, by their paths in the inbox, and what to remember.
    A file is complete when it is as it was at the last look, or when a marker `<file>.done` lies beside it. `is_busy`:
    whether a run is under way, which may still take what is there."""
    states: dict[str, list[int]] = {}
    complete = []
    for file in walk_inbox(inbox):
        try:
            info = file.path.stat()
        except OSError:
            continue
        states[file.shown] = [info.st_size, info.st_mtime_ns]
        if seen.files.get(file.shown) == states[file.shown] or has_beside(file.path, DONE):
            complete.append(file.shown)
    known = {_key(name, state) for name, state in states.items()}
    fresh = [name for name in complete if seen.is_fresh(_key(name, states[name]), now, is_busy=is_busy)]
    return fresh, Seen(states, {key: said for key, said in seen.asked.items() if key in known})


def is_at_work(instance: dg.DagsterInstance) -> bool:
    """Whether any run waits for its turn or is under way."""
    return bool(instance.get_runs(dg.RunsFilter(statuses=list(AT_WORK)), limit=1))


def _key(name: str, state: Iterable[int]) -> str:
    return digest([name, *map(str, state)])


def digest(texts: Iterable[str]) -> str:
    """A short name for some texts, whatever their order; also of files whose names are not UTF-8."""
    return hashlib.sha256("\n".join(sorted(texts)).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def woken(feeds: Iterable[str], pages: Mapping[str, StreamPage], read_by: Mapping[str, set[str]]) -> list[str]:
    """The streams that an arrival of these feeds starts."""
    came = set(feeds)
    return [name for name, page in pages.items() if page.on_arrival and came & read_by.get(name, set())]


def arrival_request(
    instance: dg.DagsterInstance,
    feeds: Iterable[str],
    pages: Mapping[str, StreamPage],
    read_by: Mapping[str, set[str]],
    run_key: str,
) -> dg.RunRequest | None:
    """One run for all that has come: of the streams that arrivals start, or of landing alone where none of them reads
    it. None where a run that would do the same waits for its turn."""
    streams = woken(feeds, pages, read_by)
    if not streams:
        if is_waiting(instance, LAND, f"all/{DAILY}", f"all/{HOURLY}"):
            return None
        return dg.RunRequest(run_key=run_key, job_name=LAND_JOB, tags={ASKED_TAG: LAND, **DUE})
    modes = {timing.mode for name in streams for timing in pages[name].timings}
    mode = HOURLY if HOURLY in modes else DAILY
    if is_waiting(instance, asked(streams, tuple(pages), mode), f"all/{DAILY}"):
        return None
    return request_of(streams, tuple(pages), mode, run_key=run_key, job_name=JOB)


def sensors_of(project: Path, pages: Mapping[str, StreamPage], jobs: list[Any]) -> list[dg.SensorDefinition]:
    """All sensors; they run from the start, without anybody turning them on."""
    read_by = feeds_of_streams(project)
    always = dg.DefaultSensorStatus.RUNNING

    @dg.sensor(
        name="arrivals",
        jobs=jobs,
        minimum_interval_seconds=LOOK_EVERY,
        default_status=always,
        description="Files in the inbox: one run for all that are complete.",
    )
    def arrivals(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        before, now = Seen.read(context.cursor), clock.now()
        is_busy = bool(before.asked) and is_at_work(context.instance)
        fresh, seen = look(DataDir.at(default_data_dir()).inbox, before, now, is_busy=is_busy)
        return asked_once(
            seen,
            [_key(name, seen.files[name]) for name in fresh],
            now,
            lambda key: arrival_request(
                context.instance, {"/".join(name.split("/")[1:3]) for name in fresh}, pages, read_by, key
            ),
            nothing=f"{len(seen.files)} files, none new and complete." if seen.files else "Nothing new in the inbox.",
            waits=f"{len(fresh)} new files; a run that takes them waits for its turn.",
        )

    @dg.sensor(
        name="connectors",
        jobs=jobs,
        minimum_interval_seconds=POLL_EVERY,
        default_status=always,
        description="Files where connectors read: one run that fetches all that is ready.",
    )
    def connectors(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        return _poll(context, project, pages, read_by)

    @dg.sensor(
        name="watch",
        minimum_interval_seconds=WATCH_EVERY,
        default_status=always,
        description="Tells the audit of runs that were killed, sends the alerts that are due, and writes the metrics.",
    )
    def watch(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        said, first = watch_once(project, context.log.error, Seen.read(context.cursor).first)
        return dg.SensorResult(skip_reason=dg.SkipReason(said), cursor=Seen(first=first).cursor())

    return [arrivals, connectors, watch]


def _poll(
    context: dg.SensorEvaluationContext,
    project: Path,
    pages: Mapping[str, StreamPage],
    read_by: Mapping[str, set[str]],
) -> dg.SensorResult:
    if not (project / CONNECTORS).is_dir():
        return dg.SensorResult(skip_reason=dg.SkipReason("No connectors are declared."))
    from orchestration.landing import connectors

    data, before, now = DataDir.at(default_data_dir()), Seen.read(context.cursor), clock.now()
    declared = connectors.load_connectors(project)
    is_busy = bool(before.asked) and is_at_work(context.instance)
    said, rest = within(
        BUDGET, turned(list(declared), before.first), lambda name: connectors.pending(data.root, project, name)
    )
    for one in said:
        if one.error:
            context.log.warning(redacted(f"Connector {one.connector}: {one.error}"))
    ready = {one.connector: f"{one.connector}@{one.fingerprint}" for one in said if one.fingerprint}
    # Of those whose turn has not come, or that do not answer, nothing is known, so that nothing of them is forgotten.
    unknown = {*rest, *(one.connector for one in said if one.error)}
    kept = {key: at for key, at in before.asked.items() if key in ready.values() or key.rpartition("@")[0] in unknown}
    after = Seen(asked=kept, first=rest[0] if rest else "")
    fresh = {name: key for name, key in ready.items() if after.is_fresh(key, now, is_busy=is_busy)}
    return asked_once(
        after,
        list(fresh.values()),
        now,
        lambda key: arrival_request(
            context.instance, {feed for name in fresh for feed in declared[name].feeds}, pages, read_by, key
        ),
        nothing=f"Nothing new at {len(declared)} connectors." if declared else "No connectors are declared.",
        waits="Files are ready; a run that fetches them waits for its turn.",
    )


def asked_once(
    seen: Seen,
    keys: Sequence[str],
    now: datetime,
    request_by: Callable[[str], dg.RunRequest | None],
    *,
    nothing: str,
    waits: str,
) -> dg.SensorResult:
    """One run for all that is new, which is remembered; else why none is asked for: there is `nothing`, or a run that
    does the same `waits`."""
    request = request_by(seen.run_key(keys)) if keys else None
    if request is None:
        said = dg.SkipReason(waits if keys else nothing)
        return dg.SensorResult(run_requests=[], skip_reason=said, cursor=seen.cursor())
    seen.ask(keys, now)
    return dg.SensorResult(run_requests=[request], cursor=seen.cursor())


def turned(names: Sequence[str], first: str) -> list[str]:
    """Names in their order, but beginning with one of them."""
    at = names.index(first) if first in names else 0
    return [*names[at:], *names[:at]]


def within(seconds: float, names: Sequence[str], work: Callable[[str], T]) -> tuple[list[T], list[str]]:
    """Work on one after the other as long as there is time, the first in any case; what it came to, and the names of
    those whose turn has not come."""
    began, done = monotonic(), []
    for name in names:
        if done and monotonic() - began >= seconds:
            break
        done.append(work(name))
    return done, list(names[len(done) :])


def watch_once(project: Path, complain: Callable[[str], None], first: str = "") -> tuple[str, str]:
    """Do what has to be done every minute, each thing whatever became of the others and beginning with `first`. Returns
    what was done, and the thing that the time was over at; blank: none.

    Raises:
        TieoutError: all was tried and something could not be done; the message names all of it.
    """
    data, target, now = DataDir.at(default_data_dir()), default_target(), clock.now()

    def settle() -> str:
        told = pipeline.settle(data.root, target)
        return f"the audit was told of {told} killed runs" if told else ""

    def metrics() -> str:
        from orchestration.health import write_metrics

        return f"metrics: {write_metrics(data, project, target, now)}"

    def alerts() -> str:
        from orchestration.alerts import send_due

        return f"alerts: {send_due(data, project, target, now)}"

    # What asks other machines comes last.
    tasks = {task.__name__: task for task in (settle, metrics, alerts)}
    done, failed = [], []

    def attempt(name: str) -> None:
        try:
            done.append(tasks[name]())
        except Exception as error:  # one that fails must not keep the others from being done
            failed.append(redacted(f"{name}: {error}"))
            complain(failed[-1])

    _, rest = within(BUDGET, turned(list(tasks), first), attempt)
    # A tick that fails remembers nothing, and the next one has to know where to go on.
    if failed and not rest:
        raise TieoutError("; ".join(failed))
    said = [*filter(None, done), *failed, *(f"{name}: at the next look" for name in rest)]
    return "; ".join(said) or "Nothing to tell.", rest[0] if rest else ""
