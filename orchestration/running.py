"""A run under way, step by step: it lands, loads (Postgres only), builds with dbt, judges the result and publishes. The
command line and Dagster both work through `Run`."""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from orchestration import clock, code_version, dbt_build, logs, parsed, publish, runs, selection, summary
from orchestration import project as projects
from orchestration import streams as stream_pages
from orchestration.audit import adoption, definitions, failures, recorder
from orchestration.audit.failures import RunFailure
from orchestration.audit.ledger import open_ledger
from orchestration.data_dir import DataDir
from orchestration.dbt_build import BuildOutcome
from orchestration.durations import in_words
from orchestration.environment import DAILY, Place
from orchestration.errors import RunTimeoutError, TieoutError
from orchestration.health import facts as health_facts
from orchestration.health import late
from orchestration.landing import (
    FileOutcome,
    LandingReport,
    connectors,
    land_inbox,
    load_feeds,
    load_postgres,
)
from orchestration.landing.connectors import Fetched
from orchestration.landing.crash_points import crash_point
from orchestration.progress import Progress, Silent
from orchestration.run_log import log_landing, log_steps
from orchestration.runs import RunRecord, State
from orchestration.stopping import Stop, no_timer
from orchestration.streams import Retries, StreamPage
from orchestration.summary import Summary
from orchestration.waiting import Patience
from orchestration.warehouse import connect_postgres, open_warehouse, postgres_kwargs, quoted

# The schemas of a warehouse; a replay on a shared server has its own of each, and removes them.
SCHEMAS = ("landing", "reference", "staging", "canonical", "reconciliation", "marts", "audit")

NOT_FETCHED = (
    "This folder was restored from a backup: connectors fetch nothing, and tell their sources nothing, before a run has"
    " closed the books here. In a drill that is as it should be; `--fetch` fetches all the same."
)

T = TypeVar("T")


@dataclass(frozen=True)
class Request:
    """What is asked of a run. `as_of` None: the run's start."""

    data_dir: Path
    target: str = "duckdb"
    as_of: datetime | None = None
    stream: str | None = None
    full_refresh: bool = False
    mode: str = DAILY
    # Who asks and why, for the audit; blank: the system's user, and nothing more is known.
    started_by: str = ""
    reason: str = ""
    # Whether to ask the declared connectors for what is new, and to tell their sources what has landed; None: unless
    # the data folder has just been restored from a backup.
    fetch: bool | None = None
    # What other requests than this one are the same as it; blank: none, but for those with the same `as_of`.
    asked_as: str = ""
    # How long it may take; None: as long as its streams' YAML says.
    timeout: timedelta | None = None
    # Seconds to wait, all in all, for the data folder and the warehouse's file while others hold them.
    wait: float = 0.0

    def same_as(self) -> dict[str, str | bool | None]:
        """What makes two requests the same; one without an `as_of` is like no other."""
        return {
            "target": self.target,
            "as_of": clock.to_text(self.as_of) if self.as_of else None,
            "stream": self.stream,
            "full_refresh": self.full_refresh,
            "mode": self.mode,
        }


@dataclass
class Run:
    """A run under way. Its methods are the steps; each is safe to do again after a crash."""

    request: Request
    data: DataDir
    project: Path
    place: Place
    as_of: datetime
    record: RunRecord
    progress: Progress = field(default_factory=Silent)
    # What is left of the time to wait for others.
    patience: Patience = field(default_factory=Patience)

    @cached_property
    def pages(self) -> list[StreamPage]:
        """What the streams that this run is asked for say of how they run."""
        pages = stream_pages.load_pages(self.project, projects.load_streams(self.project))
        return [page for page in pages.values() if self.request.stream in (None, page.name)]

    @property
    def timeout(self) -> timedelta | None:
        """How long the run may take."""
        return self.request.timeout or stream_pages.timeout_of(self.pages)

    @property
    def seconds_left(self) -> float | None:
        """How much of that is left; never none at all, so that a timer can be set to it."""
        if self.timeout is None:
            return None
        passed = (clock.now() - clock.from_text(self.record.started_at)).total_seconds()
        return max(self.timeout.total_seconds() - passed, 0.001)

    @property
    def run_id(self) -> str:
        return self.record.run_id

    @property
    def replay(self) -> bool:
        return self.place.replay

    @property
    def full_refresh(self) -> bool:
        """Build everything anew: asked for, or because other code wrote what is there."""
        if self.request.full_refresh or self.record.code_version is None:
            return self.request.full_refresh
        return code_version.needs_rebuild(self.data, self.place.target, self.record.code_version)

    @property
    def stream(self) -> str | None:
        """The stream to build alone; none for all of them. The marts read every stream, so that one alone can be built
        only beside the others' tables, and only where no other judges the same records."""
        if self.request.stream and projects.shares_records(self.project, self.request.stream):
            return None
        alone = not self.replay and not self.full_refresh and code_version.built_whole(self.data, self.place.target)
        return self.request.stream if alone else None

    @property
    def mode(self) -> str:
        """Whose new records to judge. What builds everything anew, and a replay, judge everybody's: there is nothing
        yet that the others could be left at."""
        whole = self.replay or self.full_refresh or not code_version.built_whole(self.data, self.place.target)
        return DAILY if whole else self.request.mode

    def land(self) -> LandingReport | None:
        """Bring what is new at the connectors' sources, and land what lies in the inbox. A replay does neither. A
        source that cannot be worked with is a lapse: the run goes on with what is there. What was done before an error
        counts, whether it is tried again or not."""
        dbt_build.import_beside()
        if self.replay:
            return None
        fetched = self.fetch()
        report = LandingReport()
        committed: list[connectors.Committed] = []
        try:
            with self.timed("landing"):
                self.persistent("landing", lambda: self._land(report))
                committed = connectors.commit(self.data.root, self.project, report, tell=self.fetches)
        finally:
            # Whoever breaks the run off saves the record.
            report.files.extend(failed_before(fetched))
            self._note_landing(report, fetched, committed)
        self.record.save(self.data)
        crash_point("after-landing")
        return report

    def _land(self, report: LandingReport) -> None:
        # Whoever was still writing at the last try is looked at again.
        report.files[:] = [file for file in report.files if file.outcome != "busy"]
        land_inbox(
            self.data.root,
            self.project,
            self.as_of,
            on_progress=landing_steps(self.progress),
            origins=connectors.arrived(self.data.root),
            patience=self.patience,
            report=report,
        )

    def _note_landing(
        self, report: LandingReport, fetched: Sequence[Fetched], committed: Sequence[connectors.Committed]
    ) -> None:
        """Put into the record, and into the log, what a landing did, beside what one before it did."""
        record = self.record
        lapses = [lapse for one in (*fetched, *committed) for lapse in one.lapses()]
        # A source that could not be worked with then, and now can.
        over = {
            f"Connector {one.connector}: {record.connectors.get(one.connector, {}).get('error')}"
            for one in fetched
            if one.error is None
        }
        record.lapses = list(dict.fromkeys([*(lapse for lapse in record.lapses if lapse not in over), *lapses]))
        for one in fetched:
            before, said = record.connectors.get(one.connector, {}), one.to_json()
            added = {name: before.get(name, 0) + said[name] for name in ("files", "bytes", "failed_files")}
            record.connectors[one.connector] = {**said, **added}
        counts = {name: getattr(report, name) for name in summary.LANDED}
        record.landed = {name: record.landed.get(name, 0) + count for name, count in counts.items()}
        with logs.context(**self.places, step="landing"):
            log_landing(report, fetched, lapses)

    @cached_property
    def fetches(self) -> bool:
        """Whether connectors have a part in this run."""
        return does_fetch(self.data, self.request.fetch)

    def fetch(self) -> list[Fetched]:
        """Bring what is new at the connectors' sources into the inbox; nothing where none is declared."""
        if self.request.fetch is False or not connectors.load_connectors(self.project):
            return []
        if not self.fetches:
            self.progress.note(NOT_FETCHED)
            return []
        with self.timed("landing", "Fetching"):
            return connectors.fetch(self.data.root, self.project, on_progress=fetching_steps(self.progress))

    def load(self) -> None:
        """Bring landed batches into Postgres; DuckDB reads them where they lie."""
        if self.place.target != "postgres":
            return
        with self.timed("load"):
            self.persistent("load", self._load)
        crash_point("after-load")

    def _load(self) -> None:
        if self.replay:
            self.remove_scratch()
        schema = self.place.schema_prefix + "landing"
        load_postgres(self.data.root, load_feeds(self.project), postgres_kwargs(), schema, self.as_of)

    def nodes_to_build(self) -> list[str] | None:
        """What has changed since the last build; none where all is to be built. Call it before the run says in its
        record that it builds."""
        if self.replay or self.full_refresh or self.stream:
            return None
        manifest = selection.read_manifest(self.place.dbt_target / parsed.MANIFEST)
        if manifest is None:
            return None
        try:
            with open_warehouse(self.place, self.data.root / ".tmp", self.patience) as warehouse:
                key = parsed.parse_key(self.project, self.place)
                feeds = selection.changed_feeds(self.data, warehouse, self.place.target, key)
        except TieoutError:
            # Not there, or not to be opened: building finds out what to say of it.
            return None
        if feeds is None:
            return None
        releases = selection.releases_records(self.data, self.place.target, self.mode)
        return selection.to_build(manifest, feeds, releases=releases)

    def before_build(self, nodes: list[str] | None = None) -> None:
        """Note that the warehouse is about to move to this `as_of`, and make room for a replay. `nodes`: what is to be
        built; none for everything."""
        self.record.built = not self.replay
        self.record.code_version = code_version.code_version(self.project)
        self.record.project_key = parsed.parse_key(self.project, self.place)
        self.record.batches = selection.batches_of_feeds(self.data)
        self.record.stream, self.record.mode = self.stream, self.mode
        self.record.save(self.data)
        if self.full_refresh and not self.request.full_refresh:
            self.progress.note(
                "Restored from a backup, or the code has changed since the last run: everything is built anew."
            )
        if self.mode != self.request.mode:
            self.progress.note("This run judges every counterparty: what it builds is built from the beginning.")
        if self.replay and self.place.target == "duckdb":
            self.remove_scratch()
            self.place.duckdb_path.parent.mkdir(exist_ok=True)
        from orchestration.alerts import noting

        manifest = selection.read_manifest(self.place.dbt_target / parsed.MANIFEST)
        # Before the first build nobody knows the steps' rules; what is built says them.
        streams = projects.load_streams(self.project)
        steps = definitions.steps_of(streams, manifest) if manifest else []
        if manifest:
            recorder.check_settings(streams, manifest)
        with self.timed("audit"), open_ledger(self.books, write=True, patience=self.patience) as ledger:
            adoption.take_in(ledger, self.data, self.place.target)
            noting.take_in(ledger, self.data, self.place.target)
            recorder.begin(ledger, self.data, self.record, steps, nodes)

    @property
    def books(self) -> Place:
        """Where the audit stands: in the real warehouse, a replay's too."""
        return replace(self.place, replay=False)

    def build(self) -> BuildOutcome:
        """Build with dbt all that has changed, and test it; the laws are tested in every run. What fails because a
        server was away is built again; what fails because of the data is not."""
        outcome = self.persistent("dbt", self._build, again=_passing)
        crash_point("after-dbt")
        return outcome

    def _build(self) -> BuildOutcome:
        nodes = self.nodes_to_build()
        self.before_build(nodes)
        with self.timed("dbt"):
            return dbt_build.build(
                self.project,
                self.place,
                self.run_id,
                self.as_of,
                stream=self.stream,
                nodes=nodes,
                full_refresh=self.full_refresh,
                mode=self.record.mode,
                facts=self.facts(),
                on_node=lambda done, total, name: self.progress.step(done, total, f"{done} of {total}: {name}"),
            )

    def finish(self, outcome: BuildOutcome) -> Summary:
        """Write down how the steps ended, publish when the books closed, sum up, and write down how the run ended. No
        timer stops it any more."""
        no_timer()
        self.note_steps(outcome)
        return self.close(outcome)

    def log_failures(self, outcome: BuildOutcome) -> None:
        """A line of the log for everything that failed in a build."""
        with logs.context(**self.places):
            for failure in outcome.failures:
                said = "law_failed" if failure.cause == failures.LAW else "node_failed"
                logs.error(said, step=failure.name, kind=failure.kind, cause=failure.cause, message=failure.message)
            for lapse in outcome.lapses:
                logs.warning("node_lapsed", step=lapse.name, kind=lapse.kind, message=lapse.message)

    def close(self, outcome: BuildOutcome) -> Summary:
        """Publish when the books closed, sum up, and write down how the run ended."""
        crash_point("before-publish")
        with self.timed("publish"):
            facts = self.persistent("publish", lambda: self._publish(outcome))
        shutil.rmtree(self.data.root / ".tmp", ignore_errors=True)
        if self.replay:
            self.remove_scratch()
        timings = {name: self.record.timings.get(name, 0.0) for name in summary.TIMINGS}
        timings["total"] = round(sum(timings.values()), 3)
        result = Summary(
            run_id=self.run_id,
            as_of=clock.to_text(self.as_of),
            target=self.place.target,
            landed={name: self.record.landed.get(name, 0) for name in summary.LANDED},
            laws={"passed": outcome.laws_passed, "failed": outcome.laws_failed},
            facts=facts,
            timings=timings,
            replay=self.replay,
            published=str(self.data.published) if outcome.ok and not self.replay else None,
            failures=[failure.message for failure in outcome.failures],
            lapses=[*self.record.lapses, *(failure.message for failure in outcome.lapses)],
        )
        self.record.summary, self.record.facts = result.to_json(), asdict(facts)
        # That the audit cannot be written now must hide neither what readers see nor which law failed.
        with self.told_later():
            if outcome.ok:
                self.end(State.CLOSED)
            else:
                self.end(State.FAILED, failures.worst([(f.cause, f.name, f.message) for f in outcome.failures]))
        return result

    def _publish(self, outcome: BuildOutcome) -> summary.Facts:
        streams = projects.load_streams(self.project)
        marts = (*publish.MARTS, *dict.fromkeys(mart for stream in streams.values() for mart in stream.marts))
        with open_warehouse(self.place, self.data.root / ".tmp", self.patience) as warehouse:
            if outcome.ok and not self.replay:
                code = code_version.code_version(self.project, code_version.MART_PARTS)
                before = publish.current(self.data)
                try:
                    publish.publish(
                        self.data,
                        warehouse,
                        marts=marts,
                        code=code,
                        left_out=outcome.left_out,
                        on_mart=lambda mart: self.progress.step(0, 0, mart),
                    )
                    self.record.published = True
                finally:
                    # From the swap on readers see it, whatever breaks in before old versions are removed.
                    self.record.published |= publish.current(self.data) != before
                self.record.save(self.data)
                logs.info("published", marts=len(marts) - len(outcome.left_out))
            return summary.read_facts(warehouse, streams, self.request.stream)

    def note_steps(self, outcome: BuildOutcome) -> recorder.Taken:
        """Write down how each step ended, and the files of what the steps of a build that closed came to."""
        self.log_failures(outcome)
        with self.timed("audit"):
            taken = self.persistent("audit", lambda: self._note_steps(outcome))
        self.record.noted = True
        self.record.save(self.data)
        return taken

    def _note_steps(self, outcome: BuildOutcome) -> recorder.Taken:
        streams = projects.load_streams(self.project)
        manifest = selection.read_manifest(self.place.dbt_target / parsed.MANIFEST)
        if manifest is None:
            raise TieoutError(f"dbt left no {parsed.MANIFEST}: it did not get as far as building.")
        with open_warehouse(self.place, self.data.root / ".tmp", self.patience) as warehouse:
            taken = recorder.take(self.data, warehouse, streams, manifest, self.record, outcome)
        crash_point("after-artifacts")
        with open_ledger(self.books, write=True, patience=self.patience) as ledger:
            recorder.end_steps(ledger, self.record, outcome, taken, recorder.templates_of(self.project))
        log_steps(outcome, taken)
        return taken

    def persistent(self, part: str, work: Callable[[], T], again: Callable[[T], RunFailure | None] | None = None) -> T:
        """Do a part of the run, and do it again when the machine failed it in passing (`failures.passes`), as often as
        the streams' YAML says. Every try that failed is noted in the record, and told to the audit as an attempt.

        again: finds a passing failure in what the work returned, where there is one.
        """
        from tenacity import Retrying, retry_if_exception, retry_if_result, stop_after_attempt, wait_exponential_jitter

        said = stream_pages.retries_of(self.pages)
        retrying = Retrying(
            stop=stop_after_attempt(said.attempts),
            wait=_waits(said, wait_exponential_jitter),
            retry=retry_if_exception(failures.passes) | retry_if_result(lambda done: bool(again and again(done))),
            before_sleep=lambda state: self._note_retry(part, said, state, again),
            # After the last try: what it came to, or what it raised.
            retry_error_callback=lambda state: state.outcome.result(),
        )
        return retrying(work)

    def _note_retry(
        self, part: str, said: Retries, state: Any, again: Callable[[Any], RunFailure | None] | None
    ) -> None:
        error = state.outcome.exception()
        failure = failures.of_error(error) if error else again(state.outcome.result()) if again else None
        if failure is None:
            return
        self.record.retries.append({"part": part, "failure": failure.to_json(), "at": clock.to_text(clock.now())})
        self.record.save(self.data)
        with logs.context(**self.places, step=part):
            logs.warning("tried_again", part=part, attempt=state.attempt_number, message=failure.failure_message)
        self.progress.note(
            f"Try {state.attempt_number} of {said.attempts} failed ({part}): {failure.failure_message[:300]}"
            f" The next one begins in {state.next_action.sleep:.0f} seconds."
        )

    def stopped(self, error: BaseException, stop: "Stop") -> BaseException:
        """What broke the run off, in words: a timer that ran out is no Ctrl-C."""
        if not stop.expired or isinstance(error, RunTimeoutError):
            return error
        streams = ", ".join(page.name for page in self.pages if page.timeout == self.timeout)
        whose = f", the `timeout` of {streams}," if streams and not self.request.timeout else ""
        return RunTimeoutError(
            f"The run was stopped: it took longer than {in_words(self.timeout)}{whose}."
            f" {failures.WHAT_TO_DO_ABOUT[failures.TIMEOUT]}"
        )

    def end(self, state: State, failure: RunFailure | None = None) -> None:
        """Say how the run ended, in its record and in the audit.

        Raises:
            TieoutError: the audit cannot be written. The record says how the run ended, and the next run tells the
                audit.
        """
        self.record.failure = failure.to_json() if failure else None
        try:
            self.record.end(self.data, state, clock.now())
        except OSError as error:
            # The folder's disk may be full, and the server's not.
            self.progress.note(f"The run's record could not be written: {error}")
        self.log_end()
        with open_ledger(self.books, write=True, patience=self.patience) as ledger:
            recorder.end(ledger, self.data, self.record, recorder.STATES[state], failure)

    def break_off(self, error: BaseException) -> None:
        """Say that the run broke off, and why. What keeps the audit from hearing of it must not hide the cause: the
        next run tells it."""
        with logs.context(**self.places):
            logs.error("run_broke_off", error)
        with self.told_later():
            if self.record.published:
                # Readers see it: it did what it was asked for, but for summing up.
                self.end(State.CLOSED)
            elif isinstance(error, Exception):
                self.end(State.FAILED, failures.of_error(error))
            else:
                self.end(State.CANCELLED)

    @contextmanager
    def told_later(self) -> Iterator[None]:
        """Go on when the audit cannot be written now: the record says how the run ended, and the next run tells the
        audit."""
        import psycopg2

        try:
            yield
        except (TieoutError, duckdb.Error, psycopg2.Error, OSError) as error:
            self.progress.note(f"The audit hears of this run's end from the next one: {error}")

    def facts(self) -> dict[str, str]:
        """What models ask of the run's health, and verdicts of the feeds that are late, as variables of dbt's
        environment.

        Raises:
            UsageError: a feed's declaration has faults, so that nobody knows what is late.
        """
        found = late.late(self.data, self.project, self.as_of)
        return {
            **health_facts.variables(self.data, self.place.target, self.as_of, found),
            **late.variables(found),
        }

    @property
    def places(self) -> dict[str, str | None]:
        """Where a line of the log belongs to."""
        return {"run_id": self.run_id, "stream": self.request.stream}

    def log_end(self) -> None:
        """Say in the log how the run ended."""
        record = self.record
        say = logs.error if record.state == State.FAILED else logs.info
        counts = {"landed": record.landed, "timings": record.timings, "as_of": record.as_of, "replay": record.replay}
        say("run_ended", **self.places, state=record.state.value, **counts, **(record.failure or {}))

    def remove_scratch(self) -> None:
        """Remove what a replay has built, this one's or one's that crashed."""
        if not self.replay:
            return
        if self.place.target == "duckdb":
            shutil.rmtree(self.place.duckdb_path.parent, ignore_errors=True)
            return
        connection = connect_postgres()
        try:
            with connection, connection.cursor() as cursor:
                for schema in SCHEMAS:
                    cursor.execute(f"drop schema if exists {quoted(self.place.schema_prefix + schema)} cascade")
        finally:
            connection.close()

    def remove_scratch_of_ended(self) -> None:
        """Remove what a replay has built, once it has ended."""
        if self.record.ended_at is not None:
            self.remove_scratch()

    @contextmanager
    def timed(self, name: str, shown: str = "") -> Iterator[None]:
        """Add a step's seconds to the timings; `shown` is what people see of it where that is something else."""
        self.progress.phase(
            shown
            or {
                "landing": "Landing",
                "load": "Loading",
                "dbt": "Reconciling",
                "audit": "Writing the audit",
                "publish": "Publishing",
            }[name]
        )
        started = time.monotonic()
        with logs.context(**self.places, step=name):
            try:
                yield
            finally:
                timings, seconds = self.record.timings, round(time.monotonic() - started, 3)
                timings[name] = round(timings.get(name, 0.0) + seconds, 3)
                logs.info("step_done", seconds=seconds)


def does_fetch(data: DataDir, asked: bool | None) -> bool:
    """Whether connectors are to be asked and told: as asked; unless asked, not in a folder that has just been restored,
    which may be a drill's beside the one that is in use."""
    return not runs.is_fresh_restore(data) if asked is None else asked


def landing_steps(progress: Progress) -> Callable[[str, str, int, int], None]:
    """Landing counts bytes; people want to know which file is at work."""
    return lambda stage, file, done, total: progress.step(done, total, file)


def fetching_steps(progress: Progress) -> Callable[[str, int, int], None]:
    """As landing's: which file is at work, and how far it is."""
    return lambda what, done, total: progress.step(done, total, what)


def failed_before(fetched: Sequence[Fetched]) -> list[FileOutcome]:
    """What went to the failed files on its way, before landing saw it."""
    found = []
    for failed in (failed for one in fetched for failed in one.failed):
        system, feed = failed.feed.split("/")
        found.append(
            FileOutcome(
                *(failed.file, "failed", failed.org_id, system, feed), reason=failed.reason, moved_to=failed.moved_to
            )
        )
    return found


def _waits(said: Retries, strategy: Callable[..., Any]) -> Any:
    """The time between tries: twice as long each time, up to a longest, and by chance a little more, so that many who
    lost the same server do not all come back at once."""
    first, longest = said.delay.total_seconds(), said.longest.total_seconds()
    return strategy(multiplier=min(first, longest), max=longest, exp_base=2, jitter=min(first, longest) / 2)


def _passing(outcome: BuildOutcome) -> RunFailure | None:
    """Why a build failed, where all that failed in it is trouble of the machine that may be over a little later."""
    if outcome.ok or not all(failures.text_passes(failed.cause, failed.message) for failed in outcome.failures):
        return None
    return failures.worst([(failed.cause, failed.name, failed.message) for failed in outcome.failures])
