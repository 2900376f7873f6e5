"""A small data folder with something of every kind, made without a run."""

import json
from pathlib import Path

import pytest

from orchestration.audit.ledger import open_ledger
from orchestration.audit.recorder import begin, end
from orchestration.data_dir import DataDir
from orchestration.environment import Place
from orchestration.runs import RunRecord, State

MOMENT = "2026-03-02T06:00:00.000000Z"


def note_run(data: DataDir, run_id: str) -> None:
    """A run on record that closed the books, and what the audit says of it."""
    record = RunRecord(run_id, MOMENT, MOMENT, "duckdb", replay=False, requested={"as_of": MOMENT}, built=True)
    record.state, record.ended_at, record.code_version = State.CLOSED, MOMENT, "c0de"
    record.summary = {"streams": {"pos_oms_orders": {"results_hash": "ab" * 32}}}
    record.save(data)
    with open_ledger(Place(data, "duckdb", replay=False), write=True) as ledger:
        begin(ledger, data, record, [], None)
        end(ledger, data, record, "SUCCEEDED", None)


def put(data: DataDir, path: str, content: str = "") -> Path:
    """A file of the data folder; unless told otherwise its content is its path."""
    file = data.root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content or path)
    return file


def landed(data: DataDir, batch: str) -> None:
    """A batch that has landed."""
    for name in ("records.parquet", "rejects.parquet", "manifest.json"):
        put(data, f"landing/pos/orders/acme/{batch}/{name}")
    put(data, f"archive/acme/pos/orders/{batch}.csv")


@pytest.fixture
def data(data_dir: Path) -> DataDir:
    """Two batches, a run, and files that a backup holds or leaves out."""
    data = DataDir.at(data_dir)
    landed(data, "aaaaaaaaaaaa")
    landed(data, "bbbbbbbbbbbb")
    note_run(data, "r1")
    put(data, "audit/pending/q1/rows.json", json.dumps({"target": "duckdb", "rows": {}}))
    put(data, "quick/q1/quick.json")
    put(data, "inbox/acme/pos/orders/waiting.csv")
    put(data, "failed/acme/pos/orders/bad.csv")
    put(data, "connectors/bank/seen.jsonl")
    for rebuilt in (
        *("landing/.tmp/half", ".dbt/duckdb/manifest.json", ".dagster/dagster.yaml", ".versions/1/tieout.duckdb"),
        *("quick/.projects/x/dbt_project.yml", "quick/q1/data/warehouse.duckdb", "logs/tieout.jsonl"),
        *("health/tieout.prom", "replays/warehouse.duckdb"),
    ):
        put(data, rebuilt)
    (data.root / "published").symlink_to(".versions/1")
    return data
