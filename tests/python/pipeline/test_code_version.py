"""A warehouse that other code wrote is built anew."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from orchestration.code_version import PARTS, code_version, needs_rebuild
from orchestration.data_dir import DataDir
from orchestration.project import project_dir
from orchestration.runs import RunRecord, State
from orchestration.selection import PINS

NUMBER = iter(range(100, 1000))


def record(data: DataDir, version: str, state: State = State.CLOSED, **others: object) -> None:
    """A run on record, later than those before it."""
    settings = {"target": "duckdb", "replay": False, "built": True, "code_version": version, "state": state, **others}
    RunRecord(run_id=f"run-{next(NUMBER)}", as_of="", started_at="", **settings).save(data)


def test_the_same_code_needs_nothing(data_dir: Path) -> None:
    data = DataDir.at(data_dir)
    assert not needs_rebuild(data, "duckdb", "a")
    record(data, "a")
    assert not needs_rebuild(data, "duckdb", "a")
    record(data, "a", State.FAILED)
    assert not needs_rebuild(data, "duckdb", "a")


def test_other_code_since_the_last_whole_run_counts_however_far_it_came(data_dir: Path) -> None:
    data = DataDir.at(data_dir)
    record(data, "a")
    assert needs_rebuild(data, "duckdb", "b")
    assert not needs_rebuild(data, "postgres", "b")
    record(data, "b", State.FAILED)
    assert needs_rebuild(data, "duckdb", "a"), "the failed run has left tables of b"
    assert needs_rebuild(data, "duckdb", "b"), "the failed run may have left tables of a"
    record(data, "b", stream="pos_oms_orders")
    assert needs_rebuild(data, "duckdb", "b"), "one stream is not the whole"
    record(data, "b")
    assert not needs_rebuild(data, "duckdb", "b")


def test_replays_and_runs_that_built_nothing_do_not_count(data_dir: Path) -> None:
    data = DataDir.at(data_dir)
    record(data, "a")
    record(data, "b", replay=True, built=False)
    record(data, "b", State.CANCELLED, built=False)
    assert not needs_rebuild(data, "duckdb", "a")


def test_the_version_follows_what_verdicts_depend_on(tmp_path: Path) -> None:
    for name in (
        "dbt_project.yml",
        "seeds/status_map.csv",
        "macros/reconcile/reconcile.sql",
        "models/marts/exceptions.sql",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("one")
    first = code_version(tmp_path)
    (tmp_path / "models/marts/exceptions.sql").write_text("two")
    assert code_version(tmp_path) == first
    (tmp_path / "seeds/status_map.csv").write_text("two")
    assert code_version(tmp_path) != first
    assert len(code_version(project_dir())) == 16


def manifest(target: Path) -> dict[str, Any]:
    """What dbt makes of the project as it stands."""
    folders = ["--project-dir", str(project_dir()), "--profiles-dir", str(project_dir())]
    folders += ["--target-path", str(target), "--log-path", str(target / "logs")]
    done = subprocess.run(
        [sys.executable, "-c", "from dbt.cli.main import cli; cli()", "parse", *folders, "--no-partial-parse"],
        cwd=project_dir(),
        env={**os.environ, "TIEOUT_DATA_DIR": str(target), "TIEOUT_DUCKDB_PATH": ":memory:"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads((target / "manifest.json").read_text(encoding="utf-8")))


def test_every_seed_below_an_incremental_model_makes_another_version(tmp_path: Path) -> None:
    """What such a model holds was made with the seed of that day, so another seed must build it anew.

    The logs of the audit are no such models: they are never built anew, whatever changes (law 7).
    """
    parsed = manifest(tmp_path)
    nodes = parsed["nodes"]
    incremental = [
        id_
        for id_, node in nodes.items()
        if node["resource_type"] == "model" and node["config"]["materialized"] == "incremental"
        if not node["path"].startswith("audit/")
    ]
    above: dict[str, str] = {}
    waiting = [(id_, id_) for id_ in incremental]
    while waiting:
        id_, reader = waiting.pop()
        # A step looks at whatever was ever pinned in every run.
        if id_ in nodes and id_ not in above and id_ != PINS:
            above[id_] = reader
            waiting += [(other, reader) for other in nodes[id_]["depends_on"].get("nodes", ())]
    seeds = {nodes[id_]["original_file_path"]: reader for id_, reader in above.items() if id_.startswith("seed.")}
    assert {"seeds/currencies.csv", "seeds/leg_kinds.csv"} <= seeds.keys(), "the walk does not reach what it should"
    known = {file.relative_to(project_dir()).as_posix() for part in PARTS for file in project_dir().glob(part)}
    missing = {seed: reader for seed, reader in seeds.items() if seed not in known}
    assert not missing, f"PARTS of orchestration/code_version.py lacks {missing}"
