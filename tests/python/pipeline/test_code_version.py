"""A warehouse that other code wrote is built anew."""

from pathlib import Path

from orchestration.code_version import code_version, needs_rebuild
from orchestration.data_dir import DataDir
from orchestration.project import project_dir
from orchestration.runs import RunRecord, State

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
