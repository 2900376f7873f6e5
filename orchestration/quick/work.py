"""A quick reconciliation from two files to its results."""

import csv
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import psycopg2

from orchestration import clock, environment, pipeline, runs
from orchestration import project as projects
from orchestration.audit import adoption
from orchestration.audit.ledger import open_ledger
from orchestration.data_dir import DataDir
from orchestration.environment import SCHEMA_PREFIX, Place, variables_set
from orchestration.errors import TieoutError, UsageError
from orchestration.landing import read_manifests
from orchestration.progress import Progress, Silent
from orchestration.quick import generate, output
from orchestration.quick.guess import make_plan
from orchestration.quick.look import Table, check_file, shared_keys
from orchestration.quick.options import LEFT, RIGHT, Options
from orchestration.quick.plan import DEFAULT, Plan, Said
from orchestration.quick.schemas import own_schemas
from orchestration.quick.workshop import Workshop, deliver, opened, put_project
from orchestration.runs import State
from orchestration.summary import Summary
from orchestration.warehouse import connect_postgres, open_warehouse

POLICIES = "tieout/policies"
# A time beyond is somebody's way to say never; the clock does not follow it.
FARTHEST = datetime(2999, 12, 31, tzinfo=UTC)
SHOWN_REJECTS = 10


@dataclass(frozen=True)
class Answer:
    """What came of it. `files` are the results; none where the books did not close. `kept` is the scratch data folder
    where it was left."""

    quick_id: str
    summary: Summary
    said: tuple[Said, ...]
    results: Path | None
    files: list[Path] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)
    kept: Path | None = None

    def to_json(self) -> dict[str, Any]:
        """The summary of any run, with what was compared and where the results are."""
        return {
            **self.summary.to_json(),
            "quick_id": self.quick_id,
            "guessed": {said.subject: said.as_json() for said in self.said},
            "results": str(self.results) if self.results else None,
            "files": [str(file) for file in self.files],
        }


def run(
    options: Options,
    home: DataDir,
    *,
    target: str = "duckdb",
    out: Path | None = None,
    keep: bool = False,
    progress: Progress | None = None,
    tell: Callable[[Said], None] = lambda said: None,
) -> Answer:
    """Reconcile two files. `home` is the main data folder, of which only `quick/` is touched; `tell` hears what is
    compared before anything is worked out.

    Raises:
        UsageError: it cannot be done as asked; the message lists every fault.
        TieoutError: a step could not be done; nothing was written.
        KeyboardInterrupt: it was stopped; nothing was written.
    """
    environment.check_target(target)
    real = projects.project_dir()
    _check(options)
    if out is not None:
        output.check_free(out)
    if target == "postgres":
        connect_postgres().close()
    started = clock.now()
    with pipeline.stoppable(), opened(home, runs.new_run_id(started)) as shop:
        plan, files, latest = _look(options, shop, real)
        if latest > started:
            why = f"as of {clock.to_text(latest)}, the latest time in the files, so that nothing is left waiting for it"
            plan = replace(plan, said=(*plan.said, Said("clock", DEFAULT, why)))
        for said in plan.said:
            tell(said)
        record: dict[str, Any] = {
            "quick_id": shop.quick_id,
            "state": State.RUNNING,
            "started_at": clock.to_text(started),
            "ended_at": None,
            "target": target,
            "options": {name: value for name, value in _texts(asdict(options)).items() if value is not None},
            "files": files,
            "guessed": {said.subject: said.as_json() for said in plan.said},
            "checks": plan.checks,
        }
        shop.save(record)
        try:
            as_of = max(started, latest)
            answer = _work(_Job(options, plan, shop, real, target, as_of, out, keep, record, progress or Silent()))
        except BaseException as error:
            # Whatever stopped it, the scratch place goes and the record says so.
            record["run"] = _run_record(shop.data)
            shop.clean()
            stopped = isinstance(error, KeyboardInterrupt)
            _end(home, shop, record, State.CANCELLED if stopped else State.FAILED, [str(error)] if str(error) else [])
            raise
        _end(
            home,
            shop,
            {**record, "results": str(answer.results) if answer.results else None, "summary": answer.summary.to_json()},
            State.CLOSED if answer.summary.closed else State.FAILED,
            answer.summary.failures,
        )
        return answer


def _end(home: DataDir, shop: Workshop, record: dict[str, Any], state: State, failures: list[str]) -> None:
    """Write down how it ended, here and in the audit of the main data folder (`home`). What the pipeline has on record
    is not for its `runs/`: no build there rests on it."""
    shop.save({**record, "state": state, "ended_at": clock.to_text(clock.now()), "failures": failures})
    tell_audit(home, record["target"])


def tell_audit(home: DataDir, target: str) -> None:
    """Let the audit of the main data folder take in what waits for it. Where a run is at work there, that run or the
    next one does."""
    place = Place(home, target, replay=False)
    # What waits there is not lost, whatever keeps it waiting.
    with (
        suppress(TieoutError, duckdb.Error, psycopg2.Error, OSError),
        home.lock("tieout quick"),
        open_ledger(place, write=True) as ledger,
    ):
        adoption.take_in(ledger, home, target)


def _run_record(scratch: Path) -> dict[str, Any] | None:
    """What the pipeline has on record of its run in the scratch data folder, the figures for the screen apart."""
    found = sorted((scratch / "runs").glob("*.json"))
    return {**json.loads(found[-1].read_text(encoding="utf-8")), "facts": None} if found else None


def _texts(values: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value.resolve()) if isinstance(value, Path) else value for name, value in values.items()}


def _check(options: Options) -> None:
    """Tell every fault that shows before a file is opened."""
    faults = options.faults()
    for label, path in ((LEFT, options.left), (RIGHT, options.right)):
        try:
            check_file(label, path)
        except UsageError as error:
            faults.append(str(error))
    if faults:
        raise UsageError(
            "\n".join(faults) if len(faults) == 1 else "\n".join(["This cannot work:", *(f"  - {f}" for f in faults)])
        )


def _look(options: Options, shop: Workshop, real: Path) -> tuple[Plan, dict[str, Any], datetime]:
    """Read both files and settle what is compared; also what a record keeps of them, and the latest time in them."""
    with (
        closing(Table(LEFT, options.left, shop.looking / LEFT)) as left,
        closing(Table(RIGHT, options.right, shop.looking / RIGHT)) as right,
    ):
        plan = make_plan(
            options,
            left,
            right,
            shared=lambda one, other: shared_keys(left, tuple(one), right, tuple(other)),
            exponents=_exponents(real),
            delimiters=(left.delimiter, right.delimiter),
        )
        latest = datetime(1970, 1, 1, tzinfo=UTC)
        for table, side in ((left, plan.left), (right, plan.right)):
            moment = table.latest(side.time, side.times.shapes, side.time_zone) if side.time else None
            if moment is not None:
                latest = max(latest, _moment(moment))
        files = {LEFT: left.description, RIGHT: right.description}
    shutil.rmtree(shop.looking, ignore_errors=True)
    return plan, files, latest


def _moment(microseconds: int) -> datetime:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    seconds = max(0, min(microseconds // 1_000_000, int((FARTHEST - epoch).total_seconds())))
    return epoch + timedelta(seconds=seconds, microseconds=microseconds % 1_000_000)


def _exponents(real: Path) -> dict[str, int]:
    """The currencies of the project, with their decimals."""
    with (real / "seeds" / "currencies.csv").open(encoding="utf-8", newline="") as file:
        return {row["currency"]: int(row["exponent"]) for row in csv.DictReader(file)}


def _keywords() -> frozenset[str]:
    """Words that cannot be a column's name everywhere."""
    with duckdb.connect() as connection:
        found = connection.execute(
            "select keyword_name from duckdb_keywords() where keyword_category <> 'unreserved'"
        ).fetchall()
    return frozenset(row[0] for row in found) | {"user", "current_user", "session_user", "system_user", "timestamptz"}


@dataclass(frozen=True)
class _Job:
    """All that is settled before the work begins. `record` gathers what is to be kept of it."""

    options: Options
    plan: Plan
    shop: Workshop
    real: Path
    target: str
    as_of: datetime
    out: Path | None
    keep: bool
    record: dict[str, Any]
    progress: Progress


def _work(job: _Job) -> Answer:
    """Build the project, run it on the two files, and write the results."""
    plan, shop, record = job.plan, job.shop, job.record
    project = put_project(shop.home, generate.project_files(job.real, plan, _keywords()))
    record["project"] = str(project)
    for side, file in ((plan.left, job.options.left), (plan.right, job.options.right)):
        deliver(shop.data, plan.org, generate.feed_of(side), file)
    policies = shop.data / "inbox" / plan.org / POLICIES / "policies.csv"
    policies.parent.mkdir(parents=True)
    policies.write_text(generate.policies(plan), encoding="utf-8")
    data = DataDir.at(shop.data)
    with _placed(project, job.target):
        why = f"tieout quick: {job.options.left.name} and {job.options.right.name}"
        request = pipeline.Request(data_dir=data.root, target=job.target, as_of=job.as_of, reason=why)
        scratch = Place(data, job.target, replay=False)
        try:
            summary = pipeline.run(request, _Unremarked(job.progress))
        except BaseException:
            # The scratch place, with its own audit, is about to go.
            with suppress(TieoutError, OSError):
                adoption.hand_over(scratch, shop.home, generate.STREAM)
            raise
        adoption.hand_over(scratch, shop.home, generate.STREAM)
        record["run"] = _run_record(data.root)
        _check_landed(summary, data)
        rules = _rules(Place(data, job.target, replay=False), data.root / ".tmp") if summary.closed else []
    batches = {manifest["system"]: manifest["batch_id"] for manifest in read_manifests(data.root)}
    for label, side in ((LEFT, plan.left), (RIGHT, plan.right)):
        record["files"][label] |= {"system": side.system, "batch_id": batches[side.system]}
    # The thresholds came as a file too; people want to read of the two that they gave.
    landed = {**summary.landed, "batches": summary.landed["batches"] - 1, "rows": summary.landed["rows"] - 1}
    own = replace(summary, landed=landed, published=str(data.published) if job.keep and summary.published else None)
    # Books that do not close give no results and are left to be looked at; on a shared server nothing is.
    answer = Answer(shop.quick_id, own, plan.said, None, kept=shop.data)
    if summary.closed:
        results = (job.out or shop.results).absolute()
        record["rules"] = rules
        kept = {**record, "state": State.CLOSED, "summary": own.to_json()}
        rejected = output.rejected(data.published, SHOWN_REJECTS)
        files = output.write_results(data.published, plan, kept, results)
        answer = replace(answer, results=results, files=files, rejected=rejected)
        if not job.keep:
            shop.clean()
            answer = replace(answer, kept=None)
    return answer


@contextmanager
def _placed(project: Path, target: str) -> Iterator[None]:
    """Let a run work with the generated project, and on a shared server in schemas of its own."""
    variables = {projects.PROJECT_DIR_VARIABLE: str(project)}
    if target != "postgres":
        with variables_set(variables):
            yield
        return
    with own_schemas(os.environ.get(SCHEMA_PREFIX, "")) as own, variables_set({**variables, SCHEMA_PREFIX: own}):
        yield


def _check_landed(summary: Summary, data: DataDir) -> None:
    """Both files and the thresholds must have landed: what was looked at before is what was reconciled.

    Raises:
        TieoutError: one did not.
    """
    if summary.landed["batches"] == 3 and not summary.landed["failed_files"]:
        return
    reasons = [file.read_text(encoding="utf-8") for file in sorted(data.root.glob("failed/**/*.reason.txt"))]
    raise TieoutError("\n".join(reasons) or "A file changed while it was read. Try again when it is whole.")


def _rules(place: Place, temporary: Path) -> list[dict[str, Any]]:
    """The texts behind the rule versions that the results name."""
    names = ("rule_version", "step", "rule_text")
    with open_warehouse(place, temporary) as warehouse:
        rows = warehouse.rows(f"select {', '.join(names)} from {warehouse.relation('audit', 'rules')} order by 1, 2")
    return [dict(zip(names, row, strict=True)) for row in rows]


class _Unremarked:
    """Progress without the pipeline's remarks: they speak of a data folder that goes on, and this one does not."""

    def __init__(self, inner: Progress) -> None:
        self.inner = inner

    def phase(self, name: str) -> None:
        self.inner.phase(name)

    def step(self, done: int, total: int, what: str) -> None:
        self.inner.step(done, total, what)

    def note(self, text: str) -> None:
        pass
