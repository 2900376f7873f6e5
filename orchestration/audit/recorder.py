"""Writing down a run: that it was asked for, that it began, how each step and the whole of it ended, what it wrote and
what that was made into. Rows are only added; a run that crashed is told by the next one."""

import getpass
import hashlib
import json
import os
import platform
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestration import clock, runs
from orchestration.audit import artifacts, definitions, failures, tables
from orchestration.audit.artifacts import Artifact, Counts
from orchestration.audit.definitions import Step
from orchestration.audit.failures import RunFailure
from orchestration.audit.ledger import Ledger
from orchestration.audit.tables import ARTIFACTS, LINEAGE_EVENTS, RUNS, STEP_RUNS, Table
from orchestration.data_dir import DataDir
from orchestration.dbt_build import BuildOutcome, StepBuild
from orchestration.errors import UsageError
from orchestration.lapses import misplaced
from orchestration.project import Stream
from orchestration.runs import RunRecord, State
from orchestration.templates.declared import load_templates
from orchestration.warehouse import Warehouse

ACTOR_VARIABLE = "TIEOUT_ACTOR"
QUEUED, RUNNING, SUCCEEDED, FAILED = "QUEUED", "RUNNING", "SUCCEEDED", "FAILED"
CANCELLED, SKIPPED = "CANCELLED", "SKIPPED"
ENDS = (SUCCEEDED, FAILED, CANCELLED, SKIPPED)
STATES = {State.CLOSED: SUCCEEDED, State.FAILED: FAILED, State.CANCELLED: CANCELLED, State.RUNNING: FAILED}
NOTHING_NEW = "nothing that it is made from has changed"
RUN_CRASHED, RUN_TRIED_AGAIN = "RUN_CRASHED", "RUN_TRIED_AGAIN"

Rows = dict[Table, list[dict[str, Any]]]


@dataclass
class Taken:
    """What a build left, read before the warehouse is closed: the steps with what each holds, and the files written."""

    streams: Mapping[str, Stream]
    manifest: Mapping[str, Any]
    steps: list[Step]
    counts: dict[str, Counts] = field(default_factory=dict)
    artifacts: list[Artifact] = field(default_factory=list)


def actor() -> str:
    """Who is at work: `TIEOUT_ACTOR`, else the system's user and machine."""
    given = os.environ.get(ACTOR_VARIABLE, "").strip()
    if given:
        return given
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = str(os.getuid())
    return f"{user}@{platform.node() or 'localhost'}"


def idempotency_key(parts: Mapping[str, Any]) -> str:
    """The key of a request: two that ask for the same thing have the same one."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]


def step_run_id(run_id: str, model: str) -> str:
    """The id of a step's part of a run."""
    return f"{run_id}/{model}"


def _time(text: str | None) -> datetime | None:
    return clock.from_text(text).replace(tzinfo=None) if text else None


def _plain(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=None) if moment else None


def begin(ledger: Ledger, data: DataDir, record: RunRecord, steps: list[Step], nodes: list[str] | None) -> None:
    """Write down that a run was asked for and begins, and which steps it is going to build (`nodes`; None: all);
    before that, how runs ended of which nobody has said so yet."""
    rows, silent = settle(ledger, data, record)
    attempt = _attempt(ledger, record) + _queued(rows, record)
    retries = list(_untold(record))
    if _is_open(ledger, record.run_id):
        # Tried again; or taken up again after its process had ended without a word.
        failure, ended_at = retries.pop(0) if retries else (failures.crash(), None)
        row = run_row(record, FAILED, _attempt_of(ledger, record.run_id), failure)
        rows[RUNS].append(row if ended_at is None else {**row, "ended_at": ended_at})
        code = RUN_CRASHED if ended_at is None else RUN_TRIED_AGAIN
        rows[STEP_RUNS] += _closed_steps(ledger, [record.run_id], CANCELLED, code)
    attempt = _tried(rows, record, retries, attempt)
    for state in (QUEUED, RUNNING):
        rows[RUNS].append(run_row(record, state, attempt))
    now = _plain(clock.now())
    told = dict(_states_of_steps(ledger, record.run_id))
    for step in steps:
        why = _left_out(record, step, nodes)
        if why is None or step.model in told:
            rows[STEP_RUNS].append(_step_row(record, step, QUEUED, attempt))
        if why is not None:
            row = _step_row(record, step, SKIPPED, attempt)
            rows[STEP_RUNS].append({**row, "start_reason": why, "ended_at": now})
    ledger.append(rows)
    _mark(data, silent)
    _all_told(data, record)


def _untold(record: RunRecord) -> Iterable[tuple[RunFailure, datetime | None]]:
    """The tries that failed in passing and that the audit has not heard of: why, and when."""
    for retry in record.retries[record.retries_told :]:
        yield RunFailure(**retry["failure"]), _time(retry["at"])


def _tried(rows: Rows, record: RunRecord, retries: list[tuple[RunFailure, datetime | None]], attempt: int) -> int:
    """Write attempts that failed from their beginning to their end, and return which the next one is."""
    for failure, ended_at in retries:
        for state in (QUEUED, RUNNING):
            rows[RUNS].append(run_row(record, state, attempt))
        rows[RUNS].append({**run_row(record, FAILED, attempt, failure), "ended_at": ended_at})
        attempt += 1
    return attempt


def _all_told(data: DataDir, record: RunRecord) -> None:
    if record.retries_told < len(record.retries):
        record.retries_told = len(record.retries)
        record.save(data)


def _left_out(record: RunRecord, step: Step, nodes: list[str] | None) -> str | None:
    """Why a run does not build a step; None where it does."""
    if record.stream and step.stream != record.stream:
        return f"the run is of {record.stream} alone"
    return NOTHING_NEW if nodes is not None and step.model not in nodes else None


def take(
    data: DataDir,
    warehouse: Warehouse,
    streams: Mapping[str, Stream],
    manifest: Mapping[str, Any],
    record: RunRecord,
    outcome: BuildOutcome,
) -> Taken:
    """Count what each step that was built holds now, and write the files of a build that closed."""
    taken = Taken(streams, manifest, definitions.steps_of(streams, manifest))
    files = known(warehouse) if outcome.ok and not record.replay else None
    check_settings(streams, manifest)
    for step in taken.steps:
        if step.model not in outcome.steps or outcome.steps[step.model].status != "success":
            continue
        counts = artifacts.counts_of(warehouse, step, record.run_id)
        if counts is None:
            continue
        taken.counts[step.model] = counts
        if files is not None:
            settings = definitions.settings_of(step.stream, manifest)
            taken.artifacts += artifacts.write_step(
                data,
                warehouse,
                step,
                counts,
                record.run_id,
                target=record.target,
                noted=files.noted.get(step.model, set()),
                last_hashes=files.last_hashes.get(step.model, {}),
                retention=settings["retention"],
            )
    return taken


def check_settings(streams: Iterable[str], manifest: Mapping[str, Any]) -> None:
    """Refuse a retention that nobody can count to, and models that are said to be dispensable and are not, before
    anything is written.

    Raises:
        UsageError: all that is wrong, with what is allowed.
    """
    faults = misplaced(manifest)
    for stream in streams:
        try:
            artifacts.retention_days(definitions.settings_of(stream, manifest)["retention"])
        except UsageError as error:
            faults.append(f"Stream {stream}: {error}")
    if faults:
        raise UsageError("\n".join(faults))


@dataclass(frozen=True)
class Known:
    """What the audit knows already of files: by model the orgs and runs whose verdicts stand in a later run's file, and
    by model, org and type the content of the last file of left-overs."""

    noted: dict[str, set[tuple[str, str]]]
    last_hashes: dict[str, dict[tuple[str, str], str]]


def known(warehouse: Warehouse) -> Known:
    """Read what `take` needs of the audit."""
    states, files = (warehouse.relation(tables.SCHEMA, name) for name in (tables.RUN_STATES, ARTIFACTS.name))
    noted: dict[str, set[tuple[str, str]]] = defaultdict(set)
    # Files of runs that broke off after registering them, and files that hold what runs before theirs judged.
    for model, org, judged in warehouse.rows(
        f"select model, org_id, judged_run_ids from {files} where judged_run_ids is not null and (judged_run_ids <>"
        f" run_id or run_id in (select run_id from {states} where state <> '{SUCCEEDED}'))"
    ):
        noted[model].update((org, run) for run in judged.split(","))
    hashes: dict[str, dict[tuple[str, str], str]] = defaultdict(dict)
    for model, org, kind, content in warehouse.rows(
        f"select model, org_id, artifact_type, content_hash from {files}"
        f" where sequence_number in (select max(sequence_number) from {files}"
        f" where artifact_type <> '{artifacts.MATCHED}' group by model, org_id, artifact_type)"
    ):
        hashes[model][org, kind] = content or ""
    return Known(dict(noted), dict(hashes))


def end_steps(
    ledger: Ledger,
    record: RunRecord,
    outcome: BuildOutcome,
    taken: Taken,
    templates: Mapping[str, Mapping[str, Any]],
) -> None:
    """Write down how each step ended, what is defined now, and the files with where they went."""
    rows: Rows = defaultdict(list)
    rows |= definitions.changed(ledger, record.run_id, taken.streams, taken.steps, taken.manifest, templates)
    attempt = _attempt_of(ledger, record.run_id)
    said = dict(_states_of_steps(ledger, record.run_id))
    if not _is_open(ledger, record.run_id):
        # Another run found it silent between two of its steps and gave it up for crashed; it goes on.
        attempt = _attempt(ledger, record)
        rows[RUNS] += [run_row(record, QUEUED, attempt), run_row(record, RUNNING, attempt)]
        said = {}
    for step in taken.steps:
        build = outcome.steps.get(step.model)
        if step.model not in said:
            # Nobody knew of the step before it was built: it is new, or the warehouse is.
            rows[STEP_RUNS].append(_step_row(record, step, QUEUED, attempt))
        if said.get(step.model) not in ENDS:
            rows[STEP_RUNS] += _ended_step(record, step, attempt, build, taken.counts.get(step.model))
    by_model = {step.model: step for step in taken.steps}
    now = _plain(clock.now())
    for artifact in taken.artifacts:
        maker = step_run_id(record.run_id, artifact.step.model)
        rows[ARTIFACTS].append(artifacts.rows_of(artifact, record.run_id, maker))
        event = {
            "org_id": artifact.org_id,
            "run_id": record.run_id,
            "step_run_id": maker,
            "artifact_id": artifact.artifact_id,
            "row_count": artifact.row_count,
            "occurred_at": now,
            "actor": record.started_by,
        }
        rows[LINEAGE_EVENTS].append({**event, "event_type": "PRODUCED"})
        follows = by_model.get(artifact.step.follows or "")
        if follows is not None and artifact.artifact_type != artifacts.MATCHED:
            rows[LINEAGE_EVENTS].append(
                {
                    **event,
                    "event_type": "HANDED_ON",
                    "row_count": artifact.handed_on,
                    "downstream_step_run_id": step_run_id(record.run_id, follows.model),
                }
            )
    ledger.append(rows)


def end(ledger: Ledger, data: DataDir, record: RunRecord, state: str, failure: RunFailure | None) -> None:
    """Write down how a run ended; steps of which nothing was said are cancelled with it. A run that broke off before
    it came to `begin` is written down whole."""
    rows, silent = settle(ledger, data, record)
    attempt = _attempt_of(ledger, record.run_id)
    retries = list(_untold(record))
    if not _is_open(ledger, record.run_id):
        attempt = _tried(rows, record, retries, _attempt(ledger, record) + _queued(rows, record))
        rows[RUNS] += [run_row(record, QUEUED, attempt), run_row(record, RUNNING, attempt)]
    elif retries:
        first, ended_at = retries.pop(0)
        rows[RUNS].append({**run_row(record, FAILED, attempt, first), "ended_at": ended_at})
        attempt = _tried(rows, record, retries, attempt + 1)
        rows[RUNS] += [run_row(record, QUEUED, attempt), run_row(record, RUNNING, attempt)]
    rows[RUNS].append(run_row(record, state, attempt, failure))
    rows[STEP_RUNS] += _closed_steps(ledger, [record.run_id], CANCELLED, "RUN_" + state)
    ledger.append(rows)
    if state != SUCCEEDED and not _has_artifacts(ledger, record.run_id):
        artifacts.remove_files_of(data, record.target, record.run_id)
    record.retries_told = len(record.retries)
    _mark(data, [*silent, record])


def settle_silent(ledger: Ledger, data: DataDir, target: str) -> int:
    """Write down how runs ended of which nobody has said so, and return how many that were. Call it while holding the
    data folder's lock: nobody is at work then."""
    nobody = RunRecord(run_id="", as_of="", started_at="", target=target, replay=False)
    rows, silent = settle(ledger, data, nobody)
    if silent:
        ledger.append(rows)
        _mark(data, silent)
    return len(silent)


def _mark(data: DataDir, written: list[RunRecord]) -> None:
    """Note with runs that the audit holds their end."""
    for record in written:
        record.audited = True
        record.save(data)


def settle(ledger: Ledger, data: DataDir, current: RunRecord) -> tuple[Rows, list[RunRecord]]:
    """The rows of runs that ended without the audit saying so, and these runs: they crashed, or the warehouse could not
    be reached. What they wrote and did not register is removed."""
    rows: Rows = defaultdict(list)
    silent = [record for record in runs.untold(data, current.target) if record.run_id != current.run_id]
    if not silent:
        return rows, silent
    said = {run_id: (state, attempt) for run_id, state, attempt in _states(ledger, [r.run_id for r in silent])}
    crashed = []
    for record in silent:
        state, attempt = said.get(record.run_id, (None, 0))
        if state not in ENDS:
            if state is None:
                attempt = _attempt(ledger, record) + _queued(rows, record)
                rows[RUNS] += [run_row(record, QUEUED, attempt), run_row(record, RUNNING, attempt)]
            failure = RunFailure(**record.failure) if record.failure else None
            ended = STATES[record.state]
            if record.state == State.RUNNING:
                # Readers see what it came to: it had ended but for saying so.
                ended, failure = (SUCCEEDED, None) if record.published else (FAILED, failures.crash())
            rows[RUNS].append(run_row(record, ended, attempt, failure))
            crashed.append(record.run_id)
            if not _has_artifacts(ledger, record.run_id):
                artifacts.remove_files_of(data, record.target, record.run_id)
    rows[STEP_RUNS] += _closed_steps(ledger, crashed, CANCELLED, RUN_CRASHED)
    return rows, silent


def run_row(record: RunRecord, state: str, attempt: int, failure: RunFailure | None = None) -> dict[str, Any]:
    """A state that a run came to, as the audit holds it."""
    summary = record.summary or {}
    row = {
        "run_id": record.run_id,
        "state": state,
        "attempt": attempt,
        "idempotency_key": idempotency_key(record.requested or {"run_id": record.run_id}),
        "started_at": _time(record.started_at) if state != QUEUED else None,
        "ended_at": _time(record.ended_at) if state in ENDS else None,
        "started_by": record.started_by or None,
        "start_reason": record.start_reason or None,
        "as_of": _time(record.as_of),
        "target": record.target,
        "stream": record.scope,
        "mode": record.mode,
        "is_replay": record.replay,
        "code_version": record.code_version,
    }
    if state not in ENDS:
        return row
    hashes = {name: said.get("results_hash") for name, said in summary.get("streams", {}).items()}
    row |= {
        "batches_landed": record.landed.get("batches", 0),
        "rows_landed": record.landed.get("rows", 0),
        "rows_rejected": record.landed.get("rejected", 0),
        "files_failed": record.landed.get("failed_files", 0),
        "results_hashes": json.dumps(hashes, sort_keys=True) if hashes else None,
        # A run that broke off has no summary; what it had gone on without until then stands in its record.
        "lapses": json.dumps(lapses) if (lapses := summary.get("lapses") or record.lapses) else None,
    }
    if failure is not None:
        row |= {**failure.to_json(), "what_to_do": failures.what_to_do(failure)}
    return row


def _step_row(record: RunRecord, step: Step, state: str, attempt: int) -> dict[str, Any]:
    return {
        "step_run_id": step_run_id(record.run_id, step.model),
        "run_id": record.run_id,
        "stream": step.stream,
        "ladder": step.ladder,
        "step": step.step,
        "model": step.model,
        "state": state,
        "attempt": attempt,
        "idempotency_key": idempotency_key({**(record.requested or {"run_id": record.run_id}), "model": step.model}),
        "started_by": record.started_by or None,
        "start_reason": record.start_reason or None,
        "rule_hash": step.rule_hash,
    }


def _ended_step(
    record: RunRecord, step: Step, attempt: int, build: StepBuild | None, counts: Counts | None
) -> Iterable[dict[str, Any]]:
    """The rows of a step that was to be built: that it ran, and how it ended."""
    if build is None or build.started_at is None:
        code = "NOT_REACHED" if build is None else "UPSTREAM_FAILED"
        yield {**_step_row(record, step, SKIPPED, attempt), "failure_code": code, "ended_at": _plain(clock.now())}
        return
    row = {**_step_row(record, step, RUNNING, attempt), "started_at": _plain(build.started_at)}
    yield row
    ended = {**row, "ended_at": _plain(build.ended_at)}
    if build.status == "success":
        yield {**ended, "state": SUCCEEDED, **(counts.rows if counts else {})}
        return
    cause = failures.of_node("model", build.status or "", build.message)
    yield {
        **ended,
        "state": FAILED,
        "failure_class": cause,
        "failure_code": step.model,
        "failure_message": build.message[: failures.MOST_LETTERS],
    }


def _closed_steps(ledger: Ledger, run_ids: list[str], state: str, code: str) -> list[dict[str, Any]]:
    """The last rows of steps of these runs that have not ended, ended now."""
    if not run_ids:
        return []
    keep = [name for name, _ in STEP_RUNS.own if name not in ("state", "ended_at", "failure_code")]
    ended_at = _plain(clock.now())
    return [
        {**dict(zip(keep, row, strict=True)), "state": state, "ended_at": ended_at, "failure_code": code}
        for row in ledger.rows(
            f"select {', '.join(keep)} from {{schema}}.reconciliation_step_run_states"
            f" where run_id in ({_marks(run_ids)}) and state in ('{QUEUED}', '{RUNNING}')"
            " order by sequence_number",
            run_ids,
        )
    ]


def _states_of_steps(ledger: Ledger, run_id: str) -> list[tuple[str, str]]:
    return ledger.rows("select model, state from {schema}.reconciliation_step_run_states where run_id = ?", [run_id])


def _states(ledger: Ledger, run_ids: list[str]) -> list[tuple[str, str, int]]:
    return ledger.rows(
        f"select run_id, state, attempt from {{schema}}.reconciliation_run_states where run_id in ({_marks(run_ids)})",
        run_ids,
    )


def _is_open(ledger: Ledger, run_id: str) -> bool:
    return any(state not in ENDS for _, state, _ in _states(ledger, [run_id]))


def _attempt_of(ledger: Ledger, run_id: str) -> int:
    """Which attempt a run that has begun is."""
    return next((attempt for _, _, attempt in _states(ledger, [run_id])), 1)


def _attempt(ledger: Ledger, record: RunRecord) -> int:
    """Which attempt a run that begins is: how often the same was asked for before, and one."""
    key = idempotency_key(record.requested or {"run_id": record.run_id})
    found = ledger.rows(
        f"select count(*) from {{schema}}.reconciliation_runs where idempotency_key = ? and state = '{QUEUED}'", [key]
    )
    return int(found[0][0]) + 1


def _queued(rows: Rows, record: RunRecord) -> int:
    """How often the same was asked for in rows that are about to be written."""
    key = idempotency_key(record.requested or {"run_id": record.run_id})
    return sum(row["idempotency_key"] == key and row["state"] == QUEUED for row in rows.get(RUNS, []))


def _has_artifacts(ledger: Ledger, run_id: str) -> bool:
    return bool(ledger.rows("select 1 from {schema}.reconciliation_artifacts where run_id = ? limit 1", [run_id]))


def _marks(values: list[Any]) -> str:
    return ", ".join("?" * len(values))


def templates_of(project: Path) -> dict[str, dict[str, Any]]:
    """The templates that the project ships, by name. One that cannot be read is for `tieout templates list` to tell."""
    try:
        return {name: template.listed() for name, template in load_templates(project).items()}
    except UsageError:
        return {}
