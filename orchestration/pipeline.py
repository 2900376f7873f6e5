"""One run, from the inbox to the published copy. The command line and Dagster both work through `Run`, step by step.

A run lands, loads (Postgres only), builds with dbt, judges the result and publishes. One whose `as_of` lies before
what is already known is a replay: it lands nothing, builds in a scratch place, publishes nothing, and leaves nothing
behind but its record.
"""

from datetime import datetime
from pathlib import Path

from orchestration import clock, environment, logs, running, runs
from orchestration import project as projects
from orchestration import streams as stream_pages
from orchestration.audit import recorder
from orchestration.audit.ledger import open_ledger
from orchestration.data_dir import SETTLING, DataDir
from orchestration.environment import Place
from orchestration.errors import BusyError, TieoutError, UsageError
from orchestration.landing import (
    LandingReport,
    connectors,
    land_inbox,
    latest_received_at,
)
from orchestration.progress import Progress, Silent
from orchestration.run_log import log_landing
from orchestration.running import Request, Run, failed_before, fetching_steps, landing_steps
from orchestration.runs import RunRecord, State
from orchestration.stopping import stoppable
from orchestration.summary import Summary
from orchestration.waiting import Patience
from orchestration.warehouse import connect_postgres

# A clock that runs ahead by more than this is somebody's mistake: all later runs would be replays.
FUTURE_SECONDS = 300

# So many of the newest runs are looked at for one that was killed.
RECENT = 20


def check(request: Request) -> Path:
    """Find what is wrong with a request before anything is touched, and return the project's folder.

    Raises:
        UsageError: the project, the target or the stream is not there, a connector's declaration has faults, a stream's
            page says what cannot be, Postgres cannot be reached, or the data folder is a restore that was cut off.
    """
    project = projects.project_dir()
    environment.check_target(request.target)
    DataDir(request.data_dir).check_whole()
    if request.fetch is not False:
        connectors.load_connectors(project)
    if request.stream:
        projects.check_stream(project, request.stream)
    stream_pages.load_pages(project, projects.load_streams(project))
    if request.target == "postgres":
        connect_postgres().close()
    return project


def prepare(
    request: Request,
    progress: Progress | None = None,
    *,
    started: datetime | None = None,
    run_suffix: str | None = None,
    patience: Patience | None = None,
) -> Run:
    """Settle the run's clock and write its record. Call it while holding the data folder's lock.

    A run of this `run_suffix` that is on record already is taken up again, with its clock: the steps of a Dagster run
    share one record.
    `patience`: what waiting for the lock has left; else the request's.

    Raises:
        UsageError: what is asked for cannot work (see `check`).
    """
    started = started or clock.now()
    project = check(request)
    data = DataDir.at(request.data_dir)
    logs.open_in(data.root)
    as_of = request.as_of or started
    progress = progress or Silent()
    if (as_of - clock.now()).total_seconds() > FUTURE_SECONDS:
        progress.note(
            f"Warning: as_of {clock.to_text(as_of)} lies in the future; once it is built, every run before it is"
            " a replay."
        )
    record = runs.of_suffix(data, run_suffix) if run_suffix else None
    if record is None:
        known = [moment for moment in (runs.latest_built_as_of(data), latest_received_at(data.root)) if moment]
        if request.as_of is None and known:
            as_of = _not_backwards(as_of, max(known), progress)
        record = RunRecord(
            run_id=runs.next_run_id(data, started, run_suffix),
            as_of=clock.to_text(as_of),
            started_at=clock.to_text(started),
            target=request.target,
            replay=any(as_of < moment for moment in known),
            stream=request.stream,
            mode=request.mode,
            started_by=request.started_by or recorder.actor(),
            start_reason=request.reason,
        )
        # Without an `as_of` of its own a request is the run's alone.
        record.requested = {
            **request.same_as(),
            **({} if request.as_of else {"run_id": request.asked_as or record.run_id}),
        }
        record.save(data)
        said = {"as_of": record.as_of, "target": record.target, "mode": record.mode, "replay": record.replay}
        by = {"started_by": record.started_by, "start_reason": record.start_reason}
        logs.info("run_started", run_id=record.run_id, stream=request.stream, **said, **by)
    elif record.audited or record.ended_at is not None:
        # It failed, or was given up for crashed, and goes on: the audit hears of another attempt.
        record.state, record.ended_at, record.failure, record.audited = State.RUNNING, None, None, False
        record.noted = record.built = record.published = False
        record.save(data)
    patience = patience or Patience(request.wait, progress.note)
    # One clock for all steps of a run, whatever has become known since it began.
    as_of = clock.from_text(record.as_of)
    return Run(request, data, project, Place(data, request.target, record.replay), as_of, record, progress, patience)


def _not_backwards(now: datetime, known: datetime, progress: Progress) -> datetime:
    """The `as_of` of a run that was given none, where the clock may have been put back since the latest one. A little,
    as a time server does it: time stands still in the books until the clock has caught up. By more nobody can know
    which of the two is right, so that the run is a replay, and says it."""
    if _is_little(now, known):
        return _stands_still(now, known, progress)
    if now < known:
        progress.note(
            f"Warning: the clock says {clock.to_text(now)}, and the books know what came until {clock.to_text(known)}."
            " Nobody asked for a replay, but this run is one: it lands and publishes nothing. If the clock is right,"
            f" an earlier run's was fast: --as-of {clock.to_text(known)} goes on from there."
        )
    return now


def _not_far_back(now: datetime, known: datetime, progress: Progress) -> datetime:
    """The same for landing alone, which no replay can do.

    Raises:
        UsageError: the clock has been put back by more than a little.
    """
    if _is_little(now, known):
        return _stands_still(now, known, progress)
    raise UsageError(
        f"The clock says {clock.to_text(now)}, and the books know what came until {clock.to_text(known)}: nothing can"
        " be received in the past. Set the clock right; if it is right, an earlier run's was fast:"
        f" --as-of {clock.to_text(known)} goes on from there."
    )


def _is_little(now: datetime, known: datetime) -> bool:
    return 0 < (known - now).total_seconds() <= FUTURE_SECONDS


def _stands_still(now: datetime, known: datetime, progress: Progress) -> datetime:
    behind = (known - now).total_seconds()
    progress.note(f"The clock is {behind:.3g} seconds behind the latest run: as_of stays {clock.to_text(known)}.")
    return known


def run(request: Request, progress: Progress | None = None) -> Summary:
    """Do a whole run and return its summary; the books closed when it has no failures.

    Raises:
        UsageError: it cannot be done as asked.
        BusyError: another process holds the data folder or the warehouse, longer than `request.wait`.
        TieoutError: a step could not be done; the record says FAILED and the published copy is as before.
        KeyboardInterrupt: it was stopped; the record says CANCELLED and the published copy is as before.
    """
    check(request)
    data = DataDir.at(request.data_dir)
    patience = Patience(request.wait, (progress or Silent()).note)
    with stoppable() as stop_asked, data.lock("tieout run", patience):
        this = prepare(request, progress, patience=patience)
        stop_asked.after(this.seconds_left)
        try:
            this.land()
            this.load()
            outcome = this.build()
            # What the signal broke into may have swallowed it: nothing is published after it all the same.
            if stop_asked.is_set():
                raise KeyboardInterrupt
            this.note_steps(outcome)
            stop_asked.after(None)
            return this.close(outcome)
        except BaseException as error:
            stop_asked.let_end()
            said = this.stopped(error, stop_asked)
            if this.record.ended_at is None:
                this.break_off(said)
            if isinstance(error, KeyboardInterrupt) and this.record.published:
                raise KeyboardInterrupt("published") from error
            if said is error:
                raise
            raise said from None
        finally:
            this.remove_scratch()


def land(
    data_dir: Path,
    as_of: datetime | None,
    progress: Progress | None = None,
    *,
    connector: str | None = None,
    fetch: bool | None = None,
    wait: float = 0.0,
) -> tuple[LandingReport, list[str]]:
    """Fetch, land the inbox, and do nothing else; with `connector` only what that brings. Returns what was landed, and
    a line for each thing that connectors did not do. `fetch`: as `Request.fetch`; `wait`: seconds to wait for the data
    folder while others hold it.

    Raises:
        BusyError: another process holds the data folder.
        UsageError: `as_of` lies before what is known: a replay lands nothing (a clock that was put back a little stands
            still). Or there is no such connector.
    """
    project = projects.project_dir()
    names = None if connector is None else [connector]
    declared = connectors.chosen(connectors.load_connectors(project), names) if fetch is not False or names else []
    data = DataDir.at(data_dir)
    progress = progress or Silent()
    patience = Patience(wait, progress.note)
    with stoppable(), data.lock("tieout land", patience):
        moment = as_of or clock.now()
        known = [moment for moment in (runs.latest_built_as_of(data), latest_received_at(data.root)) if moment]
        if known and as_of is None and moment < max(known):
            moment = _not_far_back(moment, max(known), progress)
        elif known and moment < max(known):
            raise UsageError(
                f"--as-of {clock.to_text(moment)} lies before {clock.to_text(max(known))}, up to which deliveries"
                " are known: nothing can be received in the past."
            )
        fetched, fetches = [], running.does_fetch(data, fetch)
        if declared and fetch is None and not fetches:
            progress.note(running.NOT_FETCHED)
        if declared and fetches:
            progress.phase("Fetching")
            fetched = connectors.fetch(data.root, project, names, on_progress=fetching_steps(progress))
        progress.phase("Landing")
        report = LandingReport()
        committed: list[connectors.Committed] = []
        logs.open_in(data.root)
        try:
            land_inbox(
                data.root,
                project,
                moment,
                on_progress=landing_steps(progress),
                origins=connectors.arrived(data.root),
                only=None if names is None else set(connectors.arrived(data.root, names)),
                patience=patience,
                report=report,
            )
            committed = connectors.commit(data.root, project, report, tell=fetches)
        finally:
            # What was done before an error stays done.
            report.files.extend(failed_before(fetched))
            lapses = [lapse for one in (*fetched, *committed) for lapse in one.lapses()]
            with logs.context(step="landing"):
                log_landing(report, fetched, lapses)
        return report, lapses


def settle(data_dir: Path, target: str) -> int:
    """Tell the audit of runs that were killed and of which nobody has said how they ended; returns how many those were.
    Nothing is done while somebody is at work: whoever holds the data folder tells it then."""
    data = DataDir.at(data_dir)
    newest = sorted(data.runs.glob("*.json"), reverse=True)[:RECENT]
    if not any(
        record and record.target == target and record.state == State.RUNNING and not record.audited
        for record in (runs.load(data, file.stem) for file in newest)
    ):
        return 0
    try:
        with data.lock(SETTLING), open_ledger(Place(data, target, replay=False), write=True) as ledger:
            return recorder.settle_silent(ledger, data, target)
    except BusyError:
        return 0


__all__ = ["Request", "Run", "TieoutError", "land", "prepare", "run", "settle", "stoppable"]
