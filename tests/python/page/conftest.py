"""Published copies made by hand: the marts with their declared columns, and only the rows that a test needs."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
# As the marts have it: UTC, without saying so.
AS_OF = datetime.fromisoformat("2026-03-03T06:00:00")
EXPONENTS = {"EUR": 2, "USD": 2, "JPY": 0, "KWD": 3}
LAWS = {"passed": 4, "failed": 0}

Rows = Mapping[str, Sequence[Mapping[str, Any]]]
Publish = Callable[..., Path]

EXCEPTION = {
    "exception_id": "0123456789abcdef0123456789abcdef",
    "org_id": "acme",
    "stream": "sales",
    "ladder": "sales",
    "anomaly": "PRICE_MISMATCH",
    "state": "OPEN",
    "severity": "LOW",
    "opened_at": AS_OF,
    "due_at": AS_OF + timedelta(days=14),
    "is_overdue": False,
    "age_days": 0,
    "ageing_bucket": "0-1",
    "last_event_at": AS_OF,
    "result": "MISMATCHED",
    "currency": "EUR",
    "amount_minor": 12_345,
    "title": "Amounts differ",
    "explanation": "POS A1 and OMS A1 differ.",
    "next_action": "Correct one of them.",
    "source_system": "pos",
    "source_activity_id": "A1",
    "source_file": "pos.csv",
    "source_row_number": 7,
}


def result(code: str, source: int | None, target: int | None = None, **given: Any) -> dict[str, Any]:
    """A row of `reconciliation_results`."""
    return {
        "org_id": "acme",
        "stream": "sales",
        "result": code,
        "source_currency": None if source is None else "EUR",
        "target_currency": None if target is None else "EUR",
        "source_amount_minor": source,
        "target_amount_minor": target,
        "last_received_at": AS_OF,
        **given,
    }


def record(number: int, **given: Any) -> dict[str, Any]:
    """The record of a run that closed and published, as `runs` writes it."""
    failures = given.pop("failures", [])
    as_of = given.pop("as_of", "2026-03-03T06:00:00.000000Z")
    summary = {"laws": given.pop("laws", LAWS), "published": None if failures else "published", "failures": failures}
    return {
        "run_id": f"20260303T06000{number}Z-abcdef0{number}",
        "as_of": as_of,
        "started_at": as_of,
        "target": "duckdb",
        "replay": False,
        "state": "FAILED" if failures else "CLOSED",
        "summary": summary,
        "facts": {"streams": ["sales", "returns"], "exponents": EXPONENTS},
        **given,
    }


def _columns() -> dict[str, list[tuple[str, str]]]:
    """The declared columns of every mart."""
    declared = yaml.safe_load((ROOT / "models" / "marts" / "_marts.yml").read_text(encoding="utf-8"))
    return {
        model["name"]: [(column["name"], str(column["data_type"])) for column in model["columns"]]
        for model in declared["models"]
    }


@pytest.fixture
def publish(data_dir: Path) -> Publish:
    """Publish rows by hand; what a row leaves out is null. Returns the data folder."""

    def published(rows: Rows, *records: Mapping[str, Any], without: Sequence[str] = ()) -> Path:
        version = data_dir / ".versions" / "1"
        version.mkdir(parents=True)
        with duckdb.connect(str(version / "tieout.duckdb")) as connection:
            connection.execute("create schema marts")
            for mart, columns in _columns().items():
                if mart in without:
                    continue
                types = ", ".join(f"{name} {kind}" for name, kind in columns)
                connection.execute(f"create table marts.{mart} ({types})")
                for row in rows.get(mart, ()):
                    marks = ", ".join("?" for _ in row)
                    connection.execute(
                        f"insert into marts.{mart} ({', '.join(row)}) values ({marks})", list(row.values())
                    )
        (version / "manifest.json").write_text("{}")
        (data_dir / "published").symlink_to(Path(".versions") / "1")
        (data_dir / "runs").mkdir()
        for entry in records:
            (data_dir / "runs" / f"{entry['run_id']}.json").write_text(json.dumps(entry))
        return data_dir

    return published
