"""Which code made the warehouse. Incremental models hold verdicts of the code that wrote them; under other code they
would stand beside new ones, so a change makes the next run build everything anew."""

import hashlib
from pathlib import Path

from orchestration.data_dir import DataDir
from orchestration.runs import State, load, restored_at

# All that verdicts depend on. Marts, texts for people and descriptions are rebuilt by every run anyway.
PARTS = (
    "dbt_project.yml",
    "macros/primitives/*.sql",
    "macros/staging/*.sql",
    "macros/canonical/*.sql",
    "macros/reconcile/**/*.sql",
    "macros/audit/*.sql",
    "macros/project/*.sql",
    "models/staging/**/*.sql",
    "models/staging/**/_*__sources.yml",
    "models/canonical/**/*.sql",
    "models/reconciliations/**/*.sql",
    "seeds/bank_directions.csv",
    "seeds/bank_references.csv",
    "seeds/currencies.csv",
    "seeds/fx_rates.csv",
    "seeds/holidays.csv",
    "seeds/leg_kinds.csv",
    "seeds/policy_defaults.csv",
    "seeds/status_map.csv",
    "seeds/status_pairs.csv",
    "seeds/tenders_outside_payouts.csv",
    "seeds/zone_aliases.csv",
)


# All that a published column depends on besides verdicts and records.
MART_PARTS = (*PARTS, "macros/marts/*.sql", "models/marts/**/*.sql")


def code_version(project: Path, parts: tuple[str, ...] = PARTS) -> str:
    """SHA-256 (first 16 hex digits) over the names and contents of files; unless told, of those that verdicts depend
    on."""
    digest = hashlib.sha256()
    for file in sorted({file for part in parts for file in project.glob(part)}):
        digest.update(file.relative_to(project).as_posix().encode() + b"\0")
        digest.update(file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def built_whole(data: DataDir, target: str) -> bool:
    """Whether a whole run has closed on a target, so that every model has its table there."""
    records = (load(data, file.stem) for file in data.runs.glob("*.json"))
    return any(
        record.target == target and not record.replay and not record.stream and record.state == State.CLOSED
        for record in records
        if record is not None
    )


def needs_rebuild(data: DataDir, target: str, current: str) -> bool:
    """Whether a table of a target may hold what other code wrote, or is not there though a run built it.

    Every run since the last whole one that closed counts, and that one: a run that failed halfway, or that built one
    stream, has left tables of its own code among the others. After a restore nothing is there of what runs before it
    built.
    """
    restored = restored_at(data, target)
    for file in sorted(data.runs.glob("*.json"), reverse=True):
        record = load(data, file.stem)
        if record is None or record.target != target or record.replay or not record.built:
            continue
        if restored is not None and record.started_at < restored:
            return True
        if record.code_version != current:
            return True
        if record.state == State.CLOSED and not record.stream:
            return False
    return False
