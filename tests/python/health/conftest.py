"""A data folder with a past: records of runs, and a published copy."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from orchestration import clock
from orchestration.data_dir import DataDir
from orchestration.landing import land_inbox
from orchestration.runs import RunRecord, State, new_run_id
from tests.python.pipeline.conftest import Mini, copy_of_mini

NOW = datetime(2026, 3, 10, 6, 30, tzinfo=UTC)


@dataclass
class Past:
    """A data folder of the mini project's copy, in which things have happened."""

    data: DataDir
    project: Path

    def run(self, ago: timedelta, state: State, seconds: float = 60, **more: Any) -> RunRecord:
        """A run that began so long before NOW."""
        started = NOW - ago
        record = RunRecord(
            **{
                "run_id": new_run_id(started),
                "as_of": clock.to_text(started),
                "started_at": clock.to_text(started),
                "target": "duckdb",
                "replay": False,
                "state": state,
                "ended_at": clock.to_text(started + timedelta(seconds=seconds)) if state != State.RUNNING else None,
                "published": state == State.CLOSED,
                "requested": {"stream": None},
                **more,
            }
        )
        record.save(self.data)
        # Nothing was heard of it since.
        heard = (started + timedelta(seconds=seconds)).timestamp()
        os.utime(self.data.runs / f"{record.run_id}.json", (heard, heard))
        return record

    def publish(self, *rows: tuple[str | None, str | None, str, str, str, int]) -> None:
        """A published copy whose mart of health holds these rows."""
        marts = self.data.versions / "v1" / "marts"
        marts.mkdir(parents=True)
        values = ", ".join("(?, ?, ?, ?, ?, ?)" for _ in rows)
        columns = "org_id, stream, metric, time_window, unit, metric_value"
        duckdb.connect().execute(
            f"copy (select * from (values {values}) as given ({columns})) to '{marts}/health_metrics.parquet'",
            [value for row in rows for value in row],
        )
        self.data.published.symlink_to(marts.parent)

    def expect(self, **expected: Any) -> None:
        """Say when the mini project's one feed is to be delivered."""
        file = self.project / "models" / "staging" / "pos" / "_pos__sources.yml"
        said = yaml.safe_load(file.read_text())
        said["sources"][0]["tables"][0]["config"]["meta"]["feed"]["expected"] = expected
        file.write_text(yaml.safe_dump(said))

    def schedule(self, said: Any) -> None:
        """Say on the mini project's one stream's page when it is to run."""
        folder = self.project / "models" / "reconciliations" / "sales"
        folder.mkdir(parents=True, exist_ok=True)
        group = {"name": "sales", "owner": {"name": "x"}, "config": {"meta": {"stream": {"schedule": said}}}}
        (folder / "_sales.yml").write_text(yaml.safe_dump({"version": 2, "groups": [group]}))

    def land(self, received_at: datetime, org: str = "acme") -> None:
        """Land a delivery, for good."""
        folder = self.data.inbox / org / "pos" / "orders"
        folder.mkdir(parents=True, exist_ok=True)
        order = f"A-{received_at:%d%H%M},S1,EUR,5,2026-03-01T10:00:00Z,1"
        name = f"{received_at:%d%H%M}.csv"
        (folder / name).write_text(f"order_id,store_id,currency,total,sold_at,revision\n{order}\n")
        report = land_inbox(self.data.root, self.project, received_at)
        assert report.batches == 1


@pytest.fixture
def mini(data_dir: Path) -> Mini:
    return Mini(data_dir)


@pytest.fixture
def past(tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Past:
    project = copy_of_mini(tmp_path / "project")
    monkeypatch.setenv("TIEOUT_PROJECT_DIR", str(project))
    return Past(DataDir.at(data_dir), project)


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> Callable[[], datetime]:
    """The wall clock stands at NOW."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    return lambda: NOW
