"""What a purge removes, and what it never touches."""

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestration import purge as purging
from orchestration.data_dir import DataDir
from orchestration.errors import BusyError, TieoutError
from orchestration.purge import purge
from tests.python.backup.conftest import put
from tests.python.backup.test_backup import tieout

RUN = "0b0f4a52-7a59-4d5f-8b0e-3d1fd5b9a001"
OLD = (
    ".dbt/postgres/manifest.json",
    ".dbt/duckdb-replay/graph.gpickle",
    ".dbt/logs/dbt.log.1",
    ".versions/1/tieout.duckdb",
    "replays/warehouse.duckdb",
    "logs/tieout.jsonl.2026-01-01.gz",
    f".dagster/storage/{RUN}/compute_logs/x.out",
)
KEPT = (
    ".dbt/duckdb/manifest.json",
    ".dbt/dagster/manifest.json",
    ".dbt/logs/dbt.log",
    ".versions/2/tieout.duckdb",
    ".versions/3/manifest.json",
    "logs/tieout.jsonl",
    ".dagster/storage/runs.db",
    f".dagster/history/runs/{RUN}.db",
    "audit/anchors-duckdb.jsonl",
    "artifacts/duckdb/acme/r1/x/y/matched.parquet",
    "landing/pos/orders/acme/aaaaaaaaaaaa/records.parquet",
    "runs/r1.json",
    "archive/acme/pos/orders/dbt.log.1",
    "failed/acme/pos/orders/x.gz",
    "mine/dbt.log.1",
    "warehouse.duckdb",
)
NEW = (".dbt/duckdb/manifest.json", ".versions/2/tieout.duckdb", ".versions/3/manifest.json")


@pytest.fixture
def lived(data_dir: Path) -> DataDir:
    """A data folder in which everything is a year old but what the last runs wrote."""
    data = DataDir.at(data_dir)
    for path in (*OLD, *KEPT):
        put(data, path)
    (data.root / "published").symlink_to(".versions/3")
    year_ago = time.time() - 365 * 86400
    everything = sorted(data.root.rglob("*"), key=lambda path: -len(path.parts))
    for path in everything:
        os.utime(path, (year_ago, year_ago), follow_symlinks=False)
    for path in NEW:
        (data.root / path).touch()
    return data


def test_old_leftovers_go_and_nothing_else(lived: DataDir, tmp_path: Path) -> None:
    project, home = tmp_path / "project", tmp_path / "dagster"
    parsed = put(DataDir(project), "target/parsed/0123abcd/manifest.json")
    call = put(DataDir(project), "target/dbt-0b0f4a5-7a59c3d/run_results.json")
    mine = put(DataDir(project), "target/compiled/x.sql")
    output = put(DataDir(home), f"storage/{RUN}/compute_logs/x.err")
    now = datetime.now(UTC) + timedelta(days=30)
    year = timedelta(days=200)

    seen = purge(lived, project, home, datetime.now(UTC), year, dry_run=True)
    assert all((lived.root / path).is_file() for path in (*OLD, *KEPT))
    gone = purge(lived, project, home, datetime.now(UTC), year)
    assert gone == seen
    assert [path for path in OLD if (lived.root / path).exists()] == []
    assert [path for path in KEPT if not (lived.root / path).exists()] == []
    assert parsed.is_file()
    assert sum(one.bytes for one in gone) == sum(len(path) for path in OLD)

    # Later what is new today is old as well, but for the version that readers see.
    later = {one.path for one in purge(lived, project, home, now, timedelta(days=14))}
    assert later == {
        *(lived.root / ".dbt/duckdb", lived.root / ".versions/2"),
        *(parsed.parent, call.parent, output.parent.parent),
    }
    assert mine.is_file()
    assert (lived.root / ".versions/3").is_dir()


def test_without_a_link_no_version_goes(lived: DataDir, tmp_path: Path) -> None:
    (lived.root / "published").unlink()
    gone = purge(lived, tmp_path, None, datetime.now(UTC), timedelta(days=14))
    assert not [one for one in gone if one.kind == "published version"]


def test_what_cannot_be_removed_is_told_and_keeps_nothing_else(
    lived: DataDir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, passing = lived.root / ".dbt/logs/dbt.log.1", lived.root / "logs/tieout.jsonl.2026-01-01.gz"
    remove, measured = purging._remove, purging._measured

    def removed(path: Path) -> None:
        if path == stuck:
            raise OSError(30, "Read-only file system", str(path))
        remove(path)

    def looked_at(path: Path, enough: datetime) -> tuple[datetime, int]:
        if path == passing:
            path.unlink()
        return measured(path, enough)

    monkeypatch.setattr(purging, "_remove", removed)
    monkeypatch.setattr(purging, "_measured", looked_at)
    with pytest.raises(TieoutError, match=r"1 of 6 leftovers could not .*dbt\.log\.1: Read-only"):
        purge(lived, tmp_path, None, datetime.now(UTC), timedelta(days=14))
    assert [path for path in OLD if (lived.root / path).exists()] == [".dbt/logs/dbt.log.1"]


def test_a_purge_does_not_come_between_a_run(lived: DataDir, tmp_path: Path) -> None:
    with lived.lock("tieout run"), pytest.raises(BusyError):
        purge(lived, tmp_path, None, datetime.now(UTC), timedelta(days=14))


def test_the_command_lists_what_goes_and_how_much(lived: DataDir, tmp_path: Path) -> None:
    project = put(DataDir(tmp_path / "project"), "dbt_project.yml", "name: x").parent
    arguments = ("purge", "--data-dir", lived.root, "--dry-run")
    shown = tieout(*arguments, "--json", TIEOUT_PROJECT_DIR=str(project))
    assert shown.returncode == 0, shown.stderr
    said = json.loads(shown.stdout)
    assert {str(Path(row["path"]).relative_to(lived.root)).split("/")[0] for row in said["removed"]} == {
        *(".dbt", ".versions", "replays", "logs", ".dagster")
    }
    assert said["bytes"] == sum(len(path) for path in OLD)
    told = tieout("purge", "--data-dir", lived.root, "--older-than", "2 weeks", TIEOUT_PROJECT_DIR=str(project))
    assert f"Removed {len(OLD)} files and folders" in told.stdout
    assert tieout("purge", "--data-dir", lived.root, "--older-than", "a while").returncode == 2
