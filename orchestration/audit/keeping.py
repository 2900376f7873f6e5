"""Artifacts for who asks for them: listed, handed out, checked and purged, each org's for that org alone."""

import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration import clock
from orchestration.audit import artifacts
from orchestration.audit.ledger import Ledger
from orchestration.audit.recorder import actor
from orchestration.audit.tables import ARTIFACTS, LINEAGE_EVENTS
from orchestration.audit.verification import PURGED, is_due
from orchestration.data_dir import DataDir
from orchestration.errors import TieoutError, UsageError
from orchestration.warehouse import literal

SHORTEST_ID = 6
SHOWN = (
    *("artifact_id", "org_id", "run_id", "step_run_id", "stream", "step", "artifact_type", "row_count", "byte_count"),
    *("checksum", "storage_path", "created_at", "retention_policy", "expires_at"),
)


def listed(
    ledger: Ledger, org: str, wanted: Mapping[str, str | None], limit: int | None = None
) -> list[dict[str, Any]]:
    """The artifacts of an org, the newest first; `wanted` holds `run_id`, `stream`, `step` and `artifact_type`, None
    for any."""
    conditions, values = ["org_id = ?"], [org]
    for column, value in wanted.items():
        if value is not None:
            conditions.append(f"{column} = ?")
            values.append(value)
    rows = ledger.rows(
        f"select {', '.join(SHOWN)} from {{schema}}.{ARTIFACTS.name} where {' and '.join(conditions)}"
        " order by sequence_number desc" + (f" limit {int(limit)}" if limit else ""),
        values,
    )
    gone = _purged(ledger, org)
    return [{**dict(zip(SHOWN, row, strict=True)), "is_purged": row[0] in gone} for row in rows]


def _purged(ledger: Ledger, org: str) -> set[str]:
    found = ledger.rows(
        f"select artifact_id from {{schema}}.{LINEAGE_EVENTS.name} where event_type = '{PURGED}' and org_id = ?", [org]
    )
    return {artifact for (artifact,) in found}


def find(ledger: Ledger, org: str, artifact_id: str) -> dict[str, Any]:
    """An org's artifact by its id or the beginning of it. One of another org is not there.

    Raises:
        UsageError: the org has no such artifact, or several.
    """
    wanted = artifact_id.strip().lower()
    if len(wanted) < SHORTEST_ID:
        raise UsageError(f"{artifact_id!r} is no artifact's id: give at least its first {SHORTEST_ID} characters.")
    found = [row for row in listed(ledger, org, {}) if row["artifact_id"].startswith(wanted)]
    if not found:
        raise UsageError(f"{org} has no artifact {artifact_id}. See `tieout artifacts list --org {org}`.")
    if len({row["artifact_id"] for row in found}) > 1:
        raise UsageError(f"Several artifacts of {org} begin with {artifact_id}: give more of the id.")
    return found[0]


def checked_file(data: DataDir, artifact: Mapping[str, Any]) -> Path:
    """The file of an artifact, once its bytes are what was written.

    Raises:
        TieoutError: it has been purged, removed or changed.
    """
    name = f"artifact {artifact['artifact_id']}"
    file = artifacts.file_of(data, artifact["org_id"], artifact["storage_path"])
    if artifact["is_purged"]:
        raise TieoutError(
            f"The file of {name} was purged after its retention of {artifact['retention_policy']}; the record of it is"
            " kept. A replay (`tieout run --as-of`) shows what was known then."
        )
    if not file.is_file():
        raise TieoutError(f"The file of {name}, {artifact['storage_path']}, is not there, and nobody purged it.")
    if artifacts.checksum_of(file) != artifact["checksum"]:
        raise TieoutError(
            f"The file of {name}, {artifact['storage_path']}, is not what was written: do not rely on it."
        )
    return file


def hand_out(data: DataDir, artifact: Mapping[str, Any], out: Path, *, as_csv: bool) -> int:
    """Copy an artifact to a file, as it is or as CSV, whole or not at all; returns how many rows it has.

    Raises:
        TieoutError: see `checked_file`.
        UsageError: the file cannot be written.
    """
    file = checked_file(data, artifact)
    scratch = out.with_name(f".{out.name}.tmp")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if as_csv:
            with duckdb.connect() as connection:
                connection.execute("set TimeZone = 'UTC'")
                connection.execute(
                    f"copy (from read_parquet({literal(str(file))})) to {literal(str(scratch))} (format csv, header)"
                )
        else:
            shutil.copyfile(file, scratch)
        scratch.replace(out)
    except (OSError, duckdb.Error) as error:
        scratch.unlink(missing_ok=True)
        raise UsageError(f"--out {out} cannot be written: {' '.join(str(error).split())}") from error
    return int(artifact["row_count"])


def purge(
    ledger: Ledger, data: DataDir, org: str | None, now: datetime, reason: str, *, dry_run: bool
) -> list[dict[str, Any]]:
    """Remove the files whose retention is over, and leave their record: an event each says who purged them and when.

    The event is written before the file goes: a crash in between leaves a file that the next purge removes.
    """
    orgs = [org] if org else [o for (o,) in ledger.rows(f"select distinct org_id from {{schema}}.{ARTIFACTS.name}")]
    everything = [row for one in sorted(orgs) for row in listed(ledger, one, {})]
    due = [row for row in everything if is_due(row["expires_at"], now) and not row["is_purged"]]
    if dry_run:
        return due
    moment = clock.now().replace(tzinfo=None)
    ledger.append(
        {
            LINEAGE_EVENTS: [
                {
                    "event_type": PURGED,
                    "org_id": row["org_id"],
                    "run_id": row["run_id"],
                    "step_run_id": row["step_run_id"],
                    "artifact_id": row["artifact_id"],
                    "row_count": row["row_count"],
                    "occurred_at": moment,
                    "actor": actor(),
                    "event_reason": reason,
                }
                for row in due
            ]
        }
    )
    going = {row["artifact_id"] for row in due}
    for row in everything:
        if row["is_purged"] or row["artifact_id"] in going:
            artifacts.file_of(data, row["org_id"], row["storage_path"]).unlink(missing_ok=True)
    return due
