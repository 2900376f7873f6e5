"""What starts runs, or tells people, when something happens rather than when the clock says so: files in the inbox,
files at the places that connectors read, and what has to be looked at every minute."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg

from orchestration import clock, pipeline
from orchestration.dagster_schedules import ASKED_TAG, JOB, asked, is_waiting, request_of
from orchestration.data_dir import DataDir
from orchestration.environment import DAILY, HOURLY
from orchestration.errors import TieoutError
from orchestration.landing.files import DONE, walk_inbox
from orchestration.manifests import default_data_dir, default_target
from orchestration.project import feeds_of_streams
from orchestration.streams import StreamPage

LAND_JOB, LAND = "land", "landing"
# Seconds between two looks. A file is complete when two of them find it the same.
LOOK_EVERY, POLL_EVERY, WATCH_EVERY = 20, 60, 60


@dataclass
class Seen:
    """What a sensor remembers: how files were at the last look (size and time of change), and which it has asked a run
    for."""

    files: dict[str, list[int]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, cursor: str | None) -> "Seen":
        """The memory behind a cursor; a new one where it cannot be read."""
        try:
            said = json.loads(cursor or "{}")
            return cls(dict(said.get("files", {})), list(said.get("asked", [])))
        except (ValueError, TypeError, AttributeError):
            return cls()

    def cursor(self) -> str:
        """As Dagster keeps it."""
        return json.dumps({"files": self.files, "asked": self.asked})


def look(inbox: Path, seen: Seen) -> tuple[list[str], Seen]:
    """The files that are complete and that no run was asked for yet, by their paths in the inbox, and what to remember.
    A file is complete when it is as it was at the last look, or when a marker `<file>.done` lies beside it."""
    now: dict[str, list[int]] = {}
    complete = []
    for file in walk_inbox(inbox):
        try:
            info = file.path.stat()
        except OSError:
            continue
        now[file.shown] = [info.st_size, info.st_mtime_ns]
        if seen.files.get(file.shown) == now[file.shown] or file.path.with_name(file.path.name + DONE).exists():
            complete.append(file.shown)
    keys = {_key(name, now[name]): name for name in complete}
    known = {_key(name, state) for name, state in now.items()}
    return [name for key, name in keys.items() if key not in seen.asked], Seen(
        now, [key for key in seen.asked if key in known]
    )


def _key(name: str, state: Iterable[int]) -> str:
    return digest([name, *map(str, state)])


def digest(texts: Iterable[str]) -> str:
    """A short name for some texts, whatever their order."""
    return hashlib.sha256("\n".join(sorted(texts)).encode()).hexdigest()[:16]


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
        return dg.RunRequest(run_key=run_key, job_name=LAND_JOB, tags={ASKED_TAG: LAND})
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
        fresh, seen = look(DataDir.at(default_data_dir()).inbox, Seen.read(context.cursor))
        skipped = "Nothing new in the inbox." if not seen.files else f"{len(seen.files)} files, none new and complete."
        requests = []
        if fresh:
            keys = [_key(name, seen.files[name]) for name in fresh]
            feeds = {"/".join(name.split("/")[1:3]) for name in fresh}
            request = arrival_request(context.instance, feeds, pages, read_by, digest(keys))
            if request is None:
                skipped = f"{len(fresh)} new files; a run that takes them waits for its turn."
            else:
                requests.append(request)
                seen.asked += keys
        reason = None if requests else dg.SkipReason(skipped)
        return dg.SensorResult(run_requests=requests, skip_reason=reason, cursor=seen.cursor())

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
    def watch(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        return dg.SkipReason(watch_once(project, context.log.error))

    return [arrivals, connectors, watch]


def _poll(
    context: dg.SensorEvaluationContext,
    project: Path,
    pages: Mapping[str, StreamPage],
    read_by: Mapping[str, set[str]],
) -> dg.SensorResult:
    from orchestration.landing import connectors

    data, before = DataDir.at(default_data_dir()), Seen.read(context.cursor)
    declared = connectors.load_connectors(project)
    said = [connectors.pending(data.root, project, name) for name in declared]
    for one in said:
        if one.error:
            context.log.warning(f"Connector {one.connector}: {one.error}")
    ready = {one.connector: f"{one.connector}@{one.fingerprint}" for one in said if one.fingerprint}
    after = Seen(asked=[key for key in before.asked if key in ready.values()])
    fresh = {name: key for name, key in ready.items() if key not in after.asked}
    skipped = f"Nothing new at {len(declared)} connectors." if declared else "No connectors are declared."
    requests = []
    if fresh:
        feeds = {feed for name in fresh for feed in declared[name].feeds}
        request = arrival_request(context.instance, feeds, pages, read_by, digest(fresh.values()))
        if request is None:
            skipped = "Files are ready; a run that fetches them waits for its turn."
        else:
            requests.append(request)
            after.asked += fresh.values()
    reason = None if requests else dg.SkipReason(skipped)
    return dg.SensorResult(run_requests=requests, skip_reason=reason, cursor=after.cursor())


def watch_once(project: Path, complain: Callable[[str], None]) -> str:
    """Do what has to be done every minute, each thing whatever became of the others, and say what was done.

    Raises:
        TieoutError: something could not be done; the message names all of it.
    """
    data, target, now = DataDir.at(default_data_dir()), default_target(), clock.now()

    def settle() -> str:
        told = pipeline.settle(data.root, target)
        return f"the audit was told of {told} killed runs" if told else ""

    def alerts() -> str:
        from orchestration.alerts import send_due

        return f"alerts: {send_due(data, project, target, now)}"

    def metrics() -> str:
        from orchestration.health import write_metrics

        return f"metrics: {write_metrics(data, project, target, now)}"

    done, failed = [], []
    for task in (settle, alerts, metrics):
        try:
            done.append(task())
        except ImportError:
            continue
        except Exception as error:  # one that fails must not keep the others from being done
            failed.append(f"{task.__name__}: {error}")
            complain(failed[-1])
    if failed:
        raise TieoutError("; ".join(failed))
    return "; ".join(filter(None, done)) or "Nothing to tell."
