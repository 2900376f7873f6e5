"""Runs that took place beside the data folder's own warehouse, such as quick reconciliations, in its audit.

Their rows and files wait in `audit/pending/<run_id>/` until whoever holds the data folder next takes them in: a run at
work is not disturbed, and nothing is lost.
"""

import json
import shutil
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestration import runs
from orchestration.audit import failures
from orchestration.audit.ledger import Ledger, open_ledger
from orchestration.audit.recorder import ENDS, FAILED, QUEUED, RUNNING, Rows, run_row
from orchestration.audit.tables import ARTIFACTS, LINEAGE_EVENTS, RUNS, STEP_RUNS, STEPS, STREAMS, TABLES
from orchestration.data_dir import DataDir, write_json
from orchestration.environment import Place

PENDING, ROWS = "pending", "rows.json"
TAKEN = (STREAMS, STEPS, RUNS, STEP_RUNS, ARTIFACTS, LINEAGE_EVENTS)
_OF_THE_CHAIN = ("sequence_number", "recorded_at", "previous_hash", "row_hash")


def hand_over(scratch: Place, home: DataDir, stream: str) -> None:
    """Copy what the audit of a scratch place says of its runs, and their files, to where the audit of `home` takes
    them in. Call it before the scratch place goes."""
    if scratch.target == "duckdb" and not scratch.duckdb_path.is_file():
        return
    with open_ledger(scratch) as ledger:
        if not ledger.exists():
            return
        rows = {
            table.name: [{k: v for k, v in row.items() if k not in _OF_THE_CHAIN} for row in ledger.scan(table)]
            for table in TAKEN
        }
    for row in rows[RUNS.name]:
        row["stream"] = stream
    for run_id in {row["run_id"] for row in rows[RUNS.name]}:
        own = {name: [row for row in given if row["run_id"] == run_id] for name, given in rows.items()}
        folder = _folder(home, run_id)
        if (folder / ROWS).is_file() or not any(row["state"] in ENDS for row in own[RUNS.name]):
            # Told already; or it did not end, which `hand_over_crashed` tells.
            continue
        for artifact in own[ARTIFACTS.name]:
            file = folder / artifact["storage_path"]
            file.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(scratch.data.root / artifact["storage_path"], file)
        _save(folder, scratch.target, own)


def hand_over_crashed(scratch: DataDir, target: str, home: DataDir, stream: str) -> None:
    """Tell of the runs of a scratch data folder whose process died: they crashed."""
    for record in runs.all_of(scratch, target):
        if (_folder(home, record.run_id) / ROWS).is_file():
            continue
        rows = [
            {**run_row(record, state, 1, failures.crash() if state == FAILED else None), "stream": stream}
            for state in (QUEUED, RUNNING, FAILED)
        ]
        _save(_folder(home, record.run_id), target, {RUNS.name: rows})


def take_in(ledger: Ledger, data: DataDir, target: str) -> int:
    """Add to the audit what waits for it, and return how many runs that was. Safe to do again after a crash: what is
    there already is not added twice. Call it while holding the data folder's lock."""
    taken = 0
    for file in sorted((data.root / "audit" / PENDING).glob(f"*/{ROWS}")):
        said = json.loads(file.read_text(encoding="utf-8"))
        if said["target"] != target:
            continue
        if not _is_there(ledger, file.parent.name):
            for artifact in said["rows"].get(ARTIFACTS.name, []):
                _move(file.parent / artifact["storage_path"], data.root / artifact["storage_path"])
            ledger.append(_rows_of(said["rows"]))
            taken += 1
        shutil.rmtree(file.parent)
    return taken


def _folder(home: DataDir, run_id: str) -> Path:
    return home.root / "audit" / PENDING / run_id


def _save(folder: Path, target: str, rows: dict[str, list[dict[str, Any]]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    plain = {
        name: [{column: _to_json(value) for column, value in row.items() if value is not None} for row in given]
        for name, given in rows.items()
    }
    write_json(folder / ROWS, {"target": target, "rows": plain})


def _to_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _rows_of(said: dict[str, list[dict[str, Any]]]) -> Rows:
    """Rows as the ledger takes them, times as times."""
    rows: Rows = defaultdict(list)
    for table in TABLES:
        times = {name for name, kind in table.own if kind == "timestamp"}
        for row in said.get(table.name, []):
            rows[table].append(
                {name: datetime.fromisoformat(value) if name in times else value for name, value in row.items()}
            )
    return rows


def _is_there(ledger: Ledger, run_id: str) -> bool:
    return bool(ledger.rows(f"select 1 from {{schema}}.{RUNS.name} where run_id = ? limit 1", [run_id]))


def _move(source: Path, target: Path) -> None:
    """Put a file in its place; one that a crash left there already is right."""
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)
