"""What each step came to, as Parquet files by engine, org, run and step: written after a build that closed.
They are never changed.

`matched` holds the matches that the run judged anew; `unmatched_source` and `unmatched_target` hold all that the step
leaves, ambiguous records included. An org for which there is nothing new of a kind gets no file of it: its last one
still holds.
"""

import hashlib
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from orchestration import clock
from orchestration.audit.definitions import FOREVER, Step
from orchestration.audit.tables import ROWS_OUT, RUN_STATES
from orchestration.audit.tables import SCHEMA as AUDIT
from orchestration.data_dir import DataDir
from orchestration.errors import TieoutError, UsageError
from orchestration.publish.copy import PARQUET
from orchestration.warehouse import Warehouse, literal

FOLDER = "artifacts"
MATCHED, UNMATCHED_SOURCE, UNMATCHED_TARGET = "matched", "unmatched_source", "unmatched_target"
TYPES = (UNMATCHED_SOURCE, UNMATCHED_TARGET, MATCHED)
SCHEMA = "reconciliation"
CHUNK = 1 << 20

# Columns of a step's rows that an auditor needs, where the ladder has them: what matched, by what, and where it stands.
_OF_A_SIDE = (
    *("system", "activity_id", "counterparty_id", "order_ref", "payment_ref", "batch_ref", "status", "currency"),
    *("amount_minor", "event_at", "business_date", "batch_id", "row_number"),
)
_OF_A_STEP = (
    *("org_id", "outcome", "side"),
    *(f"{role}_{column}" for role in ("source", "target") for column in _OF_A_SIDE),
    *("anomalies", "is_conflicting", "member_count", "group_batch_id", "group_row_number", "rule_version"),
    *("judged_run_id", "row_hash"),
)
_OF_LEFT_OVER = (
    *("org_id", "side", "system", "activity_id", "counterparty_id", "order_ref", "payment_ref", "batch_ref", "status"),
    *("currency", "amount_minor", "event_at", "business_date", "received_at", "batch_id", "row_number"),
    *("result", "anomalies", "reason", "due_at", "grace_minutes", "rule_version"),
    *("rejected_batch_id", "rejected_row_number", "row_hash"),
)
# What says that a left-over is told in another way than before.
_TOLD_OF_PAIRS = [
    *(f"{role}_{column}" for role in ("source", "target") for column in ("batch_id", "row_number")),
    *("anomalies", "rule_version"),
]
_TOLD = ["batch_id", "row_number", "result", "anomalies", "reason", "rule_version"]
_MATCHES = "outcome in ('PAIR', 'GROUP', 'MEMBER', 'NETTED')"
_CONDITIONS = {
    MATCHED: _MATCHES,
    UNMATCHED_SOURCE: "outcome in ('LEFT', 'AMBIGUOUS') and side = 'SOURCE'",
    UNMATCHED_TARGET: "outcome in ('LEFT', 'AMBIGUOUS') and side = 'TARGET'",
}
_OF_LEFT_OVERS = {UNMATCHED_SOURCE: "side = 'SOURCE'", UNMATCHED_TARGET: "side = 'TARGET'"}


@dataclass(frozen=True)
class Counts:
    """What a step holds: rows in and out of all orgs; the orgs; and by org and type a fingerprint of what it leaves,
    and how many records of it the next step takes."""

    rows: dict[str, int]
    orgs: set[str]
    fingerprints: dict[tuple[str, str], str]
    handed_on: dict[tuple[str, str], int] = field(default_factory=dict)


@dataclass(frozen=True)
class Artifact:
    """One file of what a step came to for an org."""

    org_id: str
    step: Step
    artifact_type: str
    storage_path: str
    checksum: str
    row_count: int
    byte_count: int
    judged_run_ids: tuple[str, ...]
    content_hash: str
    # How many of its records the next step takes.
    handed_on: int
    retention_policy: str
    created_at: datetime

    @property
    def artifact_id(self) -> str:
        """What the file is called by: 16 hex digits over where it stands and what it holds."""
        return hashlib.sha256(f"{self.storage_path}\0{self.checksum}".encode()).hexdigest()[:16]

    @property
    def expires_at(self) -> datetime | None:
        """When it may be purged; None for never."""
        days = retention_days(self.retention_policy)
        return None if days is None else self.created_at + timedelta(days=days)


def retention_days(policy: str) -> int | None:
    """The days behind a text such as `400 days`; None for `forever`.

    Raises:
        UsageError: it is neither.
    """
    words = policy.split()
    if policy == FOREVER:
        return None
    if len(words) == 2 and words[0].isdigit() and words[1] in ("day", "days") and 0 < int(words[0]) <= 36_500:
        return int(words[0])
    raise UsageError(
        f"retention: {policy!r} is not a time to keep artifacts for. Allowed: '<n> days' with n from 1 to 36500, or"
        f" '{FOREVER}' (the stream's YAML, config.meta.stream.retention)."
    )


def counts_of(warehouse: Warehouse, step: Step, run_id: str) -> Counts | None:
    """What a step's table holds; None when it is not there."""
    if not warehouse.names(SCHEMA, step.model):
        return None
    return _of_left_overs(warehouse, step) if step.is_last else _of_a_step(warehouse, step, run_id)


def _of_a_step(warehouse: Warehouse, step: Step, run_id: str) -> Counts:
    rows: Counter[str] = Counter()
    orgs = set()
    table = warehouse.relation(SCHEMA, step.model)
    for org, outcome, side, is_clean, count, judged in warehouse.rows(
        "select org_id, outcome, side, anomalies = '' as is_clean, count(*),"
        f" sum(case when judged_run_id = {literal(run_id)} then 1 else 0 end) from {table} group by 1, 2, 3, 4"
    ):
        orgs.add(org)
        rows["rows_judged"] += int(judged)
        # A group's row stands for one record, as its members do; a pair for one of each side.
        if outcome == "PAIR" or side == "SOURCE":
            rows["rows_in_source"] += count
        if outcome == "PAIR" or side == "TARGET":
            rows["rows_in_target"] += count
        if outcome == "LEFT":
            rows[f"rows_left_{side.lower()}"] += count
        elif outcome in ("PAIR", "GROUP"):
            rows["rows_matched" if is_clean else "rows_mismatched"] += count
        elif outcome == "AMBIGUOUS":
            rows["rows_ambiguous"] += count
        elif outcome == "NETTED":
            rows["rows_excluded"] += count
    parts: dict[tuple[str, str], list[str]] = defaultdict(list)
    handed_on: Counter[tuple[str, str]] = Counter()
    told = warehouse.content_hash(_held(warehouse, step, _TOLD_OF_PAIRS))
    for org, outcome, side, count, hashes in warehouse.rows(
        f"select org_id, outcome, side, count(*), sum({told}) from {table}"
        " where outcome in ('LEFT', 'AMBIGUOUS') group by 1, 2, 3 order by 1, 2, 3"
    ):
        key = (org, f"unmatched_{side.lower()}")
        parts[key].append(f"{outcome} {count} {int(hashes)}")
        handed_on[key] += count if outcome == "LEFT" else 0
    return Counts(_all_named(rows), orgs, _fingerprints(parts), dict(handed_on))


def _fingerprints(parts: Mapping[tuple[str, str], list[str]]) -> dict[tuple[str, str], str]:
    return {key: hashlib.sha256("\n".join(said).encode()).hexdigest()[:16] for key, said in parts.items()}


def _of_left_overs(warehouse: Warehouse, step: Step) -> Counts:
    rows: Counter[str] = Counter()
    parts: dict[tuple[str, str], list[str]] = defaultdict(list)
    told = _held(warehouse, step, _TOLD)
    for org, side, result, count, hashes in warehouse.rows(
        f"select org_id, side, result, count(*), sum({warehouse.content_hash(told)})"
        f" from {warehouse.relation(SCHEMA, step.model)} group by 1, 2, 3 order by 1, 2, 3"
    ):
        rows[f"rows_in_{side.lower()}"] += count
        rows[f"rows_{result.lower()}"] += count
        parts[org, f"unmatched_{side.lower()}"].append(f"{result} {count} {int(hashes)}")
    return Counts(_all_named(rows), {org for org, _ in parts}, _fingerprints(parts))


def _held(warehouse: Warehouse, step: Step, columns: list[str]) -> list[str]:
    """Of some columns those that a step's table has."""
    there = set(warehouse.names(SCHEMA, step.model))
    return [name for name in columns if name in there]


def _all_named(rows: Mapping[str, int]) -> dict[str, int]:
    """Every count, nought where there was nothing to count."""
    return {name: rows.get(name, 0) for name in ("rows_in_source", "rows_in_target", *ROWS_OUT, "rows_judged")}


def write_step(
    data: DataDir,
    warehouse: Warehouse,
    step: Step,
    counts: Counts,
    run_id: str,
    *,
    target: str,
    noted: set[tuple[str, str]],
    last_hashes: Mapping[tuple[str, str], str],
    retention: str,
) -> Iterator[Artifact]:
    """Write the files of one step for every org that it has judged something for, and say what was written.

    A file holds what this run judged, and what was judged by builds that did not come to writing theirs: runs that
    broke off, and dbt by itself. noted: org and build where a later run made up for that. last_hashes: by org and type
    the content hash of the last file of left-overs.
    """
    orgs = sorted(counts.orgs | {org for org, _ in last_hashes})
    wanted: dict[tuple[str, str], tuple[str, ...]] = {
        (org, kind): ()
        for org in orgs
        for kind in (UNMATCHED_SOURCE, UNMATCHED_TARGET)
        if counts.fingerprints.get((org, kind), "") != last_hashes.get((org, kind))
    }
    if not step.is_last:
        new: dict[str, list[str]] = defaultdict(list)
        for org, run in warehouse.rows(
            "select org_id, judged_run_id from (select distinct org_id, judged_run_id"
            f" from {warehouse.relation(SCHEMA, step.model)} where {_MATCHES}) as judged"
            " where judged_run_id is not null and not exists (select 1"
            f" from {warehouse.relation(AUDIT, RUN_STATES)} as told where told.run_id = judged.judged_run_id"
            f" and told.state = 'SUCCEEDED')"
        ):
            if (org, run) not in noted:
                new[org].append(run)
        wanted |= {(org, MATCHED): tuple(sorted(by)) for org, by in sorted(new.items())}
    # Asked for once: an engine's catalog takes longer to tell than a small file to write, and there are files by org.
    there = set(warehouse.names(SCHEMA, step.model)) if wanted else set()
    for (org, kind), judged in wanted.items():
        query = _query(there, step, org, kind, judged)
        path = Path(FOLDER) / target / folder_name(org) / run_id / step.stream / step.model / f"{kind}.parquet"
        rows = _write(warehouse, step.model, query, data.root / path)
        file = data.root / path
        yield Artifact(
            org_id=org,
            step=step,
            artifact_type=kind,
            storage_path=path.as_posix(),
            checksum=checksum_of(file),
            row_count=rows,
            byte_count=file.stat().st_size,
            judged_run_ids=judged if kind == MATCHED else (),
            content_hash=counts.fingerprints.get((org, kind), ""),
            handed_on=counts.handed_on.get((org, kind), 0),
            retention_policy=retention,
            created_at=clock.now(),
        )


@dataclass(frozen=True)
class _Query:
    """What a file is made of: columns of a step's table, expressions over them, and the condition of the rows."""

    columns: list[str]
    expressions: list[str]
    where: str


def _query(there: set[str], step: Step, org: str, kind: str, judged: tuple[str, ...]) -> _Query:
    """What a file holds; `there`: the columns of the step's table."""
    conditions = [f"org_id = {literal(org)}", (_OF_LEFT_OVERS if step.is_last else _CONDITIONS)[kind]]
    if kind == MATCHED:
        conditions.append(f"judged_run_id in ({', '.join(map(literal, judged))})")
    columns = [name for name in (_OF_LEFT_OVER if step.is_last else _OF_A_STEP) if name in there]
    # What a pair's target shares with its source, only the source's columns hold.
    shared = {f"target_{column}" for column in step.on}
    expressions = [
        f"case when outcome = 'PAIR' then {name.replace('target_', 'source_', 1)} else {name} end as {name}"
        if name in shared
        else name
        for name in columns
    ]
    return _Query(columns, expressions, " and ".join(conditions))


def _write(warehouse: Warehouse, model: str, query: _Query, file: Path) -> int:
    """Write a file whole or not at all, and return how many rows it has."""
    file.parent.mkdir(parents=True, exist_ok=True)
    scratch = file.with_name(f".{file.name}.tmp")
    with warehouse.readable(SCHEMA, model, query.where, query.columns) as rows:
        written = warehouse.connection.execute(
            f"copy (select {', '.join(query.expressions)} from {rows} as held) to {literal(str(scratch))}"
            f" (format parquet, {PARQUET})"
        ).fetchall()
    scratch.rename(file)
    return int(written[0][0])


def folder_name(org: str) -> str:
    """An org's id as the name of a folder. Landing takes no org whose id could be anything else.

    Raises:
        UsageError: the id could lead out of the org's own folder.
    """
    if not org or org.startswith(".") or any(letter in org for letter in "/\\\0"):
        raise UsageError(f"{org!r} is no org's id.")
    return org


def file_of(data: DataDir, org: str, storage_path: str) -> Path:
    """The file of an artifact, inside the org's own folder.

    Raises:
        TieoutError: the path leads elsewhere: the row of the artifact is not what was written.
    """
    parts = Path(storage_path).parts
    home = data.root.joinpath(*parts[:3])
    file = data.root / storage_path
    is_own = len(parts) > 3 and parts[0] == FOLDER and parts[2] == folder_name(org) and ".." not in parts
    if not is_own or not file.resolve().is_relative_to(home.resolve()):
        raise TieoutError(f"{storage_path} lies outside of the folder of {org}: its row in the audit has been changed.")
    return file


def checksum_of(file: Path) -> str:
    """SHA-256 of a file."""
    digest = hashlib.sha256()
    with file.open("rb") as source:
        while part := source.read(CHUNK):
            digest.update(part)
    return digest.hexdigest()


def remove_files_of(data: DataDir, target: str, run_id: str) -> None:
    """Remove what a run wrote that did not come to registering it."""
    for folder in (data.root / FOLDER / target).glob(f"*/{run_id}"):
        shutil.rmtree(folder, ignore_errors=True)


def rows_of(artifact: Artifact, run_id: str, step_run_id: str) -> dict[str, Any]:
    """An artifact as the audit registers it."""
    expires_at = artifact.expires_at
    return {
        "artifact_id": artifact.artifact_id,
        "org_id": artifact.org_id,
        "run_id": run_id,
        "step_run_id": step_run_id,
        "stream": artifact.step.stream,
        "ladder": artifact.step.ladder,
        "step": artifact.step.step,
        "model": artifact.step.model,
        "artifact_type": artifact.artifact_type,
        "storage_path": artifact.storage_path,
        "checksum": artifact.checksum,
        "row_count": artifact.row_count,
        "byte_count": artifact.byte_count,
        "judged_run_ids": ",".join(artifact.judged_run_ids) or None,
        "content_hash": artifact.content_hash or None,
        "retention_policy": artifact.retention_policy,
        "created_at": artifact.created_at.replace(tzinfo=None),
        "expires_at": expires_at.replace(tzinfo=None) if expires_at else None,
    }
