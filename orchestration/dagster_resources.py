"""What Dagster's assets share: the run that they belong to, the lock on its data folder, and how it ends.

No postponed annotations in this module or in `dagster_assets`: Dagster reads the annotations of contexts and
resources itself.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError
from pydantic import PrivateAttr

from orchestration import clock, environment, pipeline, runs
from orchestration.audit import recorder
from orchestration.data_dir import DataDir
from orchestration.errors import TieoutError, UsageError
from orchestration.landing import LandingReport
from orchestration.manifests import default_data_dir, default_target
from orchestration.redaction import redacted
from orchestration.running import Run

# The ops of a whole run; which of them Dagster was asked for decides what a run does (docs/orchestration.md).
LANDING, BUILD, ARTIFACTS, PUBLISHED, REPORT, REPLAYS = "landing", "dbt", "artifacts", "published", "report", "replays"
OF_A_RUN = (BUILD, ARTIFACTS, PUBLISHED)


# Seconds that a step waits while somebody else holds the data folder.
WAIT = 3600.0


class Notes:
    """A run's remarks in the log of its Dagster run."""

    def __init__(self, context: dg.AssetExecutionContext) -> None:
        self._log = context.log

    def phase(self, name: str) -> None:
        self._log.info(f"{name} ...")

    def step(self, done: int, total: int, what: str) -> None:
        """Every model would be a row of the event log."""

    def note(self, text: str) -> None:
        self._log.info(redacted(text))


class Books(dg.ConfigurableResource):
    """What `tieout run` takes as options. All assets of one Dagster run work on one run record and one clock; the data
    folder is theirs from the first to the last, so that no other run comes in between."""

    data_dir: str = ""
    target: str = ""
    as_of: str = ""
    stream: str = ""
    full_refresh: bool = False
    mode: str = ""

    _held: ExitStack | None = PrivateAttr(default=None)
    _locked: bool = PrivateAttr(default=False)
    _run: Run | None = PrivateAttr(default=None)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["Books"]:
        """Hold the data folder until the Dagster run has ended, however it ends."""
        with ExitStack() as held:
            self._held = held
            try:
                yield self
            finally:
                # Stopped between two steps, where none of them could say so.
                if self._run is not None and self._run.record.ended_at is None:
                    self._run.break_off(KeyboardInterrupt())
                self._held, self._run, self._locked = None, None, False

    def request(self) -> pipeline.Request:
        """The request behind this configuration; blanks mean the environment's and the command line's defaults."""
        return pipeline.Request(
            data_dir=Path(self.data_dir or default_data_dir()),
            target=self.target or default_target(),
            as_of=clock.parse_as_of(self.as_of) if self.as_of else None,
            stream=self.stream or None,
            full_refresh=self.full_refresh,
            mode=environment.check_mode(self.mode or environment.DAILY),
            wait=WAIT,
        )

    def request_of(self, context: dg.AssetExecutionContext, stream: str | None = None) -> pipeline.Request:
        """The request of a Dagster run. Its tries, by hand or by the daemon, are one request: the audit counts them."""
        request = self.request()
        return replace(
            request,
            stream=request.stream or stream,
            started_by=_starter(context),
            reason=f"Dagster run {context.run.run_id} of {context.run.job_name}",
            asked_as=f"dagster/{context.run.root_run_id or context.run.run_id}",
        )

    @property
    def is_over(self) -> bool:
        """Whether the run of this Dagster run has ended; no step may take it up again."""
        return self._run is not None and self._run.record.ended_at is not None

    def data(self) -> DataDir:
        """The data folder of this configuration."""
        return DataDir.at(self.request().data_dir)

    def land(self, context: dg.AssetExecutionContext) -> LandingReport:
        """Land and do nothing else, as `tieout land` does."""
        with told(), interruptible():
            asked = self.request()
            report, lapses = pipeline.land(asked.data_dir, asked.as_of, Notes(context), wait=WAIT)
        for lapse in lapses:
            context.log.warning(redacted(lapse))
        return report

    @contextmanager
    def step(
        self, context: dg.AssetExecutionContext, *, stream: str | None = None, can_expire: bool = True
    ) -> Iterator[Run]:
        """Take up this Dagster run for one step; how a step broke off is written down.

        An error that a user can act on fails the step with its message and is not tried again. `stream`: the only one
        of which anything was asked for. `can_expire`: whether the streams' `timeout` stops the step.
        """
        with told():
            request = self.request_of(context, stream)
        with told(), self._lock(context, DataDir.at(request.data_dir)), pipeline.stoppable() as stop:
            run = self._take_up(context, request)
            if can_expire:
                stop.after(run.seconds_left)
            try:
                yield run
                # What the signal broke into may have swallowed it.
                if stop.is_set():
                    raise KeyboardInterrupt
            except BaseException as error:
                stop.let_end()
                said = run.stopped(error, stop)
                if run.record.ended_at is None:
                    run.break_off(said)
                if isinstance(said, KeyboardInterrupt):
                    # To Dagster, Ctrl-C is a failure of the step.
                    raise DagsterExecutionInterruptedError from error
                if said is error:
                    raise
                raise said from error
            finally:
                run.remove_scratch_of_ended()

    def _lock(self, context: dg.AssetExecutionContext, data: DataDir) -> AbstractContextManager[None]:
        """Alone in the data folder: until the Dagster run ends, or for a step where each has a process of its own."""
        if self._locked:
            return nullcontext()
        lock = data.lock(f"Dagster run {context.run.run_id}", wait=WAIT)
        if self._held is None:
            return lock
        self._held.enter_context(lock)
        self._locked = True
        return nullcontext()

    def _take_up(self, context: dg.AssetExecutionContext, request: pipeline.Request) -> Run:
        """The run behind this Dagster run. It begins here, and so do its clock and its time: when Dagster began may lie
        an hour back, in which others have worked on the books."""
        if self._run is not None:
            if self._run.record.ended_at is None:
                return self._run
            state = self._run.record.state.value
            raise UsageError(f"Run {self._run.run_id} has ended already ({state}). Start a new one; it carries on.")
        suffix = context.run.run_id[:8]
        is_known = runs.of_suffix(DataDir.at(request.data_dir), suffix) is not None
        run = pipeline.prepare(request, Notes(context), run_suffix=suffix)
        if is_known and not run.replay:
            _refuse_overtaken(run)
        self._run = run
        return run


@contextmanager
def told() -> Iterator[None]:
    """An error that a user can act on, as Dagster shows it; trying the same again would not help."""
    try:
        yield
    except TieoutError as error:
        raise dg.Failure(redacted(str(error)), allow_retries=False) from error


@contextmanager
def interruptible() -> Iterator[None]:
    """A request to stop, as Dagster calls it: to it, Ctrl-C is a failure of the step."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise DagsterExecutionInterruptedError from error


def ops_of(context: dg.AssetExecutionContext) -> set[str]:
    """The ops that this Dagster run was asked for."""
    nodes = {node.name for node in context.job_def.nodes}
    return nodes & set(context.run.step_keys_to_execute or nodes)


def _refuse_overtaken(run: Run) -> None:
    """A run that goes on after another one has built would judge by an older clock than what is there (law 6)."""
    last = runs.latest_built(run.data, run.place.target)
    if last is not None and last.run_id != run.run_id and clock.from_text(last.as_of) > run.as_of:
        raise UsageError(
            f"Run {last.run_id} has built since this one began, as of {last.as_of}. Start a new one; it carries on from"
            " there."
        )


# What of a run's tags says who started it.
_STARTERS = {"dagster/schedule_name": "schedule", "dagster/sensor_name": "sensor", "dagster/backfill": "backfill"}


def _starter(context: dg.AssetExecutionContext) -> str:
    """Who started the Dagster run, for the audit: a schedule, a sensor, a backfill, or the user at the page."""
    for tag, kind in _STARTERS.items():
        if tag in context.run.tags:
            return f"{kind} {context.run.tags[tag]}"
    return context.run.tags.get("user") or recorder.actor()
