"""What the records of runs say of the past: how each ended, how long it took, and what was made up for."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from orchestration import clock, runs
from orchestration.at_work import is_at_work
from orchestration.data_dir import DataDir
from orchestration.environment import DAILY, MODES
from orchestration.runs import RunRecord, State


@dataclass(frozen=True)
class Past:
    """A run that was no replay. A run that crashed counts as failed; `ended_at` is then not known. `scope`: the one
    stream that it was asked for, None for all; `mode`: whose new records it judged; `tries`: how many tries of its
    parts failed and were made again. Times are UTC."""

    run_id: str
    state: State
    started_at: datetime
    ended_at: datetime | None
    as_of: datetime
    scope: str | None
    published: bool
    failure: str = ""
    mode: str = DAILY
    tries: int = 0

    @property
    def is_over(self) -> bool:
        return self.state != State.RUNNING

    @property
    def seconds(self) -> float | None:
        return (self.ended_at - self.started_at).total_seconds() if self.ended_at else None

    def judges(self, stream: str) -> bool:
        """Whether the run was asked to judge a stream."""
        return self.scope in (None, stream)

    def is_as_wide_as(self, mode: str) -> bool:
        """Whether the run judged all whom one of a mode judges: one that is daily judges everybody."""
        return MODES.index(self.mode) >= MODES.index(mode)


def past_runs(data: DataDir, target: str, since: datetime, now: datetime) -> list[Past]:
    """The runs of a target that began since then, oldest first; where none did, the last one that there is. `now` tells
    those that are at work from those of which nothing was heard for long.

    Ids begin with the time, so that older records are not even opened.
    """
    files = sorted(data.runs.glob("*.json"))
    first = since.strftime("%Y%m%dT%H%M%SZ")
    found: list[Past] = []
    for file in reversed(files):
        if file.stem < first and found:
            break
        record = runs.load(data, file.stem)
        if record is not None and record.target == target and not record.replay:
            found.append(_past(data, record, now, is_newest=not found))
    return found[::-1]


def _past(data: DataDir, record: RunRecord, now: datetime, *, is_newest: bool) -> Past:
    state = record.state
    failure = (record.failure or {}).get("failure_code", "")
    if state == State.RUNNING and not (is_newest and is_at_work(data, record, now)):
        # Readers see what it came to: it had ended but for saying so.
        state, failure = (State.CLOSED, "") if record.published else (State.FAILED, "CRASHED")
    return Past(
        run_id=record.run_id,
        state=state,
        started_at=clock.from_text(record.started_at),
        ended_at=clock.from_text(record.ended_at) if record.ended_at else None,
        as_of=clock.from_text(record.as_of),
        scope=record.scope,
        published=record.published,
        failure=failure,
        mode=record.mode,
        tries=len(record.retries),
    )


def recovery(past: Iterable[Past], all_runs: Iterable[Past]) -> float | None:
    """The share of failed attempts that were made up for, as `marts.health_metrics` counts it: a run that failed is
    one, and so is each try of a part that it made again; the run itself or a later one of its scope makes up for it.
    None where nothing failed."""
    known, failed, made_up_for = list(all_runs), 0, 0
    for run in past:
        attempts = run.tries + (run.state == State.FAILED)
        failed += attempts
        made_up_for += attempts if run.state == State.CLOSED or recovered(run, known) else 0
    return made_up_for / failed if failed else None


def recovered(failed: Past, all_runs: Iterable[Past]) -> bool:
    """Whether a later run of the same scope, or of everything, closed the books."""
    return any(
        run.state == State.CLOSED and run.run_id > failed.run_id and run.scope in (None, failed.scope)
        for run in all_runs
    )


def percentile(values: Iterable[float], share: int) -> float | None:
    """The smallest value that at least so many in a hundred do not exceed; None of none."""
    ordered = sorted(values)
    if not ordered:
        return None
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)]
