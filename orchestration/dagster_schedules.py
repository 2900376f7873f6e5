"""When runs start: one schedule for each moment of the day that streams' pages name. Streams that are due at the same
moment share a run."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import dagster as dg
from dagster._core.scheduler.instigation import InstigatorStatus, InstigatorType
from dagster._utils.schedules import cron_string_iterator

from orchestration.environment import DAILY
from orchestration.streams import StreamPage

JOB, LAND = "tieout", "landing"
# What a run was asked for, on the run itself: two that wait for the same thing are one too many.
ASKED_TAG = "tieout/asked"
# What is due goes before what waits longer: a year of past days is a run each.
DUE = {"dagster/priority": "1"}
WAITING = (dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING)
_SPELT = str.maketrans({"*": "x", ",": "and", "-": "to", "/": "per", " ": "_", "#": "nth", "?": "x"})


@dataclass(frozen=True)
class Moment:
    """When some streams are due."""

    cron: str
    time_zone: str
    mode: str
    streams: tuple[str, ...]

    @property
    def name(self) -> str:
        """The schedule's name. It says when and not what, so that it stays when a stream is added: what people turned
        off stays off."""
        # Etc/GMT+1 is not Etc/GMT-1.
        spelt = self.time_zone.lower().replace("+", "plus")
        zone = "".join(letter if letter.isalnum() else "_" for letter in spelt)
        return f"{self.mode}__{self.cron.lower().translate(_SPELT).replace('+', '_')}__{zone}"

    def is_at(self, moment: datetime) -> bool:
        """Whether the streams are due at a full minute, as Dagster reads the cron: it starts nobody at another."""
        due = next(cron_string_iterator(moment.timestamp(), self.cron, self.time_zone))
        # Two zones' times are never equal in an hour that comes twice.
        return due.timestamp() == moment.timestamp()


def moments_of(pages: Iterable[StreamPage]) -> list[Moment]:
    """The moments of all streams, each once, sorted by name. An org's own hour is a moment like any other: a run takes
    all orgs, and those of which nothing is new cost nothing."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for page in pages:
        for timing in page.timings:
            streams = found.setdefault((timing.cron, timing.time_zone, timing.mode), [])
            if page.name not in streams:
                streams.append(page.name)
    return sorted((Moment(*key, tuple(streams)) for key, streams in found.items()), key=lambda moment: moment.name)


def run_config(streams: Sequence[str], all_streams: Sequence[str], mode: str) -> dict[str, Any]:
    """The configuration of a run of these streams: of one alone, or of all."""
    books: dict[str, Any] = {"mode": mode}
    if len(streams) == 1 and len(all_streams) > 1:
        books["stream"] = streams[0]
    return {"resources": {"books": {"config": books}}}


def request_of(
    streams: Sequence[str], all_streams: Sequence[str], mode: str, *, run_key: str, job_name: str | None = None
) -> dg.RunRequest:
    """A run of streams, once for each key."""
    return dg.RunRequest(
        run_key=run_key,
        job_name=job_name,
        run_config=run_config(streams, all_streams, mode),
        tags={ASKED_TAG: asked(streams, all_streams, mode), "tieout/streams": ", ".join(sorted(streams)), **DUE},
    )


def asked(streams: Sequence[str], all_streams: Sequence[str], mode: str) -> str:
    """What a run is of, in a word."""
    return f"{streams[0] if len(streams) == 1 and len(all_streams) > 1 else 'all'}/{mode}"


def is_waiting(instance: dg.DagsterInstance, *wanted: str) -> bool:
    """Whether a run that was asked for the same has not begun yet: it will do what another one would."""
    filters = dg.RunsFilter(statuses=list(WAITING))
    waiting = instance.get_runs(filters, limit=100)
    return any(run.tags.get(ASKED_TAG) in wanted and _does(run) in wanted for run in waiting)


def _does(run: dg.DagsterRun) -> str | None:
    """What a run is of by its configuration, in the words of its tag: at the page people change what a job brings
    along. None for what is like no other run: a past day, another folder, a part of the assets."""
    if run.asset_selection or run.resolved_op_selection:
        return None
    resources = (run.run_config or {}).get("resources") or {}
    said = {key: value for key, value in ((resources.get("books") or {}).get("config") or {}).items() if value}
    stream, mode = said.pop("stream", "all"), said.pop("mode", DAILY)
    said.pop("full_refresh", None)
    if said:
        return None
    return LAND if run.tags[ASKED_TAG] == LAND else f"{stream}/{mode}"


def leader_at(moment: datetime, moments: Iterable[Moment], off: set[str]) -> list[Moment]:
    """All that are due at a moment and not turned off; the first of them does the run. A daily run judges what an
    hourly one would, so it goes first."""
    due = [one for one in moments if one.name not in off and one.is_at(moment)]
    return sorted(due, key=lambda one: (one.mode != DAILY, one.name))


def schedules_of(pages: Mapping[str, StreamPage]) -> list[dg.ScheduleDefinition]:
    """The schedules of all streams; they run from the start, without anybody turning them on."""
    moments = moments_of(pages.values())
    return [_schedule(moment, moments, tuple(pages)) for moment in moments]


def _schedule(own: Moment, moments: list[Moment], all_streams: tuple[str, ...]) -> dg.ScheduleDefinition:
    def evaluate(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        moment = context.scheduled_execution_time
        due = leader_at(moment, moments, _turned_off(context) - {own.name})
        if own not in due:
            # A tick by hand, at a minute of its own: none of the others leads it.
            due = [own]
        if due[0].name != own.name:
            return dg.SkipReason(f"Due together with {due[0].name}, whose run does this one's work.")
        streams = list(dict.fromkeys(stream for one in due for stream in one.streams))
        mode = due[0].mode
        if is_waiting(context.instance, asked(streams, all_streams, mode), f"all/{DAILY}"):
            return dg.SkipReason("A run that does the same waits for its turn.")
        return request_of(streams, all_streams, mode, run_key=f"{own.name}@{moment.isoformat()}")

    return dg.ScheduleDefinition(
        name=own.name,
        job_name=JOB,
        cron_schedule=own.cron,
        execution_timezone=own.time_zone,
        execution_fn=evaluate,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"{own.mode.capitalize()} run of {', '.join(own.streams)}: {own.cron} in {own.time_zone}.",
    )


def _turned_off(context: dg.ScheduleEvaluationContext) -> set[str]:
    """The schedules that somebody has stopped by hand; they lead nobody."""
    states = context.instance.all_instigator_state(instigator_type=InstigatorType.SCHEDULE)
    return {state.name for state in states if state.status == InstigatorStatus.STOPPED}
