"""What a backup holds, that it proves itself, that it is whole or not there, and that a restore overwrites nothing."""

import fcntl
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import tarfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration import backup, clock, code_version, pipeline, runs
from orchestration.backup import restoring
from orchestration.backup.manifest import NAME
from orchestration.backup.reading import is_safe
from orchestration.data_dir import DataDir
from orchestration.errors import BusyError, TieoutError, UsageError
from orchestration.health import verified
from orchestration.runs import RunRecord, State
from tests.python import ready
from tests.python.backup.conftest import MOMENT, landed, note_run, put
from tests.python.ready import COMMAND

ROOT = Path(__file__).resolve().parents[3]
FORMS = ("folder", "tar", "tar.gz")
CRASHES = ("backup-mid-copy", "backup-before-manifest", "backup-before-rename")


def tieout(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    return ready.run(*arguments, env={**os.environ, **variables}, timeout=180)


def place(tmp_path: Path, form: str) -> Path:
    """Where a backup of a form goes."""
    return tmp_path / ("backups" if form == "folder" else f"one.{form}")


def content(root: Path) -> dict[str, bytes]:
    """Every file of a folder that a run does not make again."""
    return {
        path: (root / path).read_bytes()
        for path in sorted(str(file.relative_to(root)) for file in root.rglob("*") if file.is_file())
        if not path.startswith((".", "warehouse")) and "/." not in path
    }


@pytest.mark.parametrize("form", FORMS)
def test_what_cannot_be_made_again_comes_back_as_it_was(data: DataDir, tmp_path: Path, form: str) -> None:
    made = backup.create(data.root, "duckdb", place(tmp_path, form))
    assert backup.verify(made.path).holds
    # A room that nobody has thought of here, such as what a connector keeps, is in it.
    held = {entry.path for entry in made.manifest.files}
    assert {"data/connectors/bank/seen.jsonl", "data/inbox/acme/pos/orders/waiting.csv"} <= held
    assert not {path for path in held if "/." in path or "warehouse" in path or "logs" in path or "health" in path}
    assert "reconciliation_runs" in {table.name for table in made.manifest.tables}

    restored = backup.restore(made.path, tmp_path / "new")
    assert restored.audit.holds
    old, new = content(data.root), content(tmp_path / "new")
    gone = {"quick/q1/data/warehouse.duckdb", "logs/tieout.jsonl", "health/tieout.prom", "replays/warehouse.duckdb"}
    assert {path: old[path] for path in old.keys() - gone} == {
        path: new[path] for path in new.keys() - {"audit/restored-duckdb.json", "health/verified-duckdb.json"}
    }
    query = "select * from audit.reconciliation_runs order by sequence_number"
    described = "select column_name, data_type from duckdb_columns() where schema_name = 'audit' order by all"
    rows = []
    for root in (data.root, tmp_path / "new"):
        with duckdb.connect(str(root / "warehouse.duckdb"), read_only=True) as connection:
            rows.append((connection.execute(query).fetchall(), connection.execute(described).fetchall()))
    assert rows[0] == rows[1]
    # What came back is backed up again without copying what has not changed.
    if form == "folder":
        assert backup.create(tmp_path / "new", "duckdb", place(tmp_path, form)).shared >= 8


def test_what_is_left_out_is_said(data: DataDir, tmp_path: Path) -> None:
    made = backup.create(data.root, "duckdb", tmp_path / "backups", without=["archive", "inbox"])
    rooms = {entry.path.split("/")[1] for entry in made.manifest.files if entry.path.startswith("data/")}
    assert rooms == {"landing", "runs", "audit", "quick", "failed", "connectors"}
    assert made.manifest.left_out == ("archive", "inbox")


def test_files_that_have_not_changed_are_shared_and_old_backups_go(data: DataDir, tmp_path: Path) -> None:
    first = backup.create(data.root, "duckdb", tmp_path / "backups")
    landed(data, "cccccccccccc")
    (data.root / "failed/acme/pos/orders/bad.csv").unlink()
    put(data, "connectors/bank/seen.jsonl", "more")
    second = backup.create(data.root, "duckdb", tmp_path / "backups")
    batch = "data/landing/pos/orders/acme/aaaaaaaaaaaa/records.parquet"
    assert (first.path / batch).stat().st_ino == (second.path / batch).stat().st_ino
    assert (data.root / batch.removeprefix("data/")).stat().st_ino != (second.path / batch).stat().st_ino
    assert second.shared > 8
    assert not (second.path / "data/failed/acme/pos/orders/bad.csv").exists()
    assert (second.path / "data/connectors/bank/seen.jsonl").read_text() == "more"
    assert (first.path / "data/connectors/bank/seen.jsonl").read_text() == "connectors/bank/seen.jsonl"
    assert backup.verify(second.path).holds

    third = backup.create(data.root, "duckdb", tmp_path / "backups", keep=2)
    assert third.removed == (first.path.name,)
    assert [row["backup"] for row in backup.listed(tmp_path / "backups")] == [third.path.name, second.path.name]
    assert backup.verify(second.path).holds
    assert backup.verify(third.path).holds


def test_a_clock_that_was_put_back_does_not_make_the_newest_the_oldest(data: DataDir, tmp_path: Path) -> None:
    ahead = tmp_path / "backups/tieout-duckdb-20991231T000000Z"
    backup.create(data.root, "duckdb", tmp_path / "backups").path.rename(ahead)
    made = backup.create(data.root, "duckdb", tmp_path / "backups", keep=2)
    assert (made.removed, backup.verify(made.path).holds) == ((), True)
    made = backup.create(data.root, "duckdb", tmp_path / "backups", keep=1)
    assert [row["backup"] for row in backup.listed(tmp_path / "backups")] == [made.path.name]


def test_an_old_one_that_cannot_be_removed_keeps_no_new_one_from_counting(
    data: DataDir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Within one second, so that what cannot be removed has the name that the next one would have.
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
    first = backup.create(data.root, "duckdb", tmp_path / "backups")

    def stuck(path: Path | str, **options: Any) -> None:
        if Path(path).name != f".partial-{first.path.name}":
            rmtree(path, **options)
        elif not options.get("ignore_errors"):
            raise PermissionError(13, "Permission denied", f"{path}/data")

    rmtree = shutil.rmtree
    monkeypatch.setattr(shutil, "rmtree", stuck)
    with pytest.raises(TieoutError, match=rf"is made, and the old one {first.path.name} could not .*denied"):
        backup.create(data.root, "duckdb", tmp_path / "backups", keep=1)
    (second,) = backup.listed(tmp_path / "backups")
    assert backup.verify(tmp_path / "backups" / second["backup"]).holds
    assert backup.create(data.root, "duckdb", tmp_path / "backups", keep=1).removed == (second["backup"],)


def test_an_old_one_that_was_to_go_is_whole_or_none(
    data: DataDir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever that breaks off."""
    first = backup.create(data.root, "duckdb", tmp_path / "backups")

    def killed(path: Path, target: Path) -> Path:
        if path == first.path:
            raise KeyboardInterrupt
        return rename(path, target)

    rename = Path.rename
    monkeypatch.setattr(Path, "rename", killed)
    with pytest.raises(KeyboardInterrupt):
        backup.create(data.root, "duckdb", tmp_path / "backups", keep=1)
    assert backup.verify(first.path).holds


def damage(made: Path, kind: str) -> str:
    """Do something to a backup that is a folder; returns the file that a message must name."""
    name = "data/landing/pos/orders/acme/bbbbbbbbbbbb/records.parquet"
    file = made / name
    if kind == "changed":
        file.write_bytes(b"X" + file.read_bytes()[1:])
    elif kind == "cut":
        file.write_bytes(file.read_bytes()[:-1])
    elif kind == "removed":
        file.unlink()
    elif kind == "put in":
        name = "data/landing/pos/orders/acme/cccccccccccc/manifest.json"
        (made / name).parent.mkdir()
        (made / name).write_text("{}")
    elif kind == "table":
        name = "tables/reconciliation_runs.parquet"
        (made / name).write_bytes((made / name).read_bytes() + b"0")
    elif kind == "manifest":
        name = NAME
        (made / name).write_text((made / name).read_text().replace('"rows": 3', '"rows": 2'))
    return name


@pytest.mark.parametrize("kind", ["changed", "cut", "removed", "put in", "table", "manifest"])
def test_a_damaged_backup_is_refused_and_the_file_named(data: DataDir, tmp_path: Path, kind: str) -> None:
    made = backup.create(data.root, "duckdb", tmp_path / "backups").path
    name = damage(made, kind)
    if kind == "manifest":
        with pytest.raises(backup.BackupError, match=f"{NAME} is damaged"):
            backup.verify(made)
    else:
        (fault,) = backup.verify(made).faults
        assert fault.startswith(name)
    with pytest.raises(backup.BackupError, match=name):
        backup.restore(made, tmp_path / "new")
    assert [file.name for file in (tmp_path / "new").iterdir()] == [".lock"]


def test_a_packed_backup_that_was_cut_is_refused(data: DataDir, tmp_path: Path) -> None:
    file = backup.create(data.root, "duckdb", tmp_path / "one.tar").path
    whole = file.read_bytes()
    for part in (len(whole) // 2, len(whole) // 3 + 7):
        file.write_bytes(whole[:part])
        with pytest.raises(backup.BackupError, match=r"damaged|cut off"):
            backup.verify(file)
        with pytest.raises(backup.BackupError):
            backup.restore(file, tmp_path / "new")


def test_a_path_that_leads_out_of_the_backup_is_refused(data: DataDir, tmp_path: Path) -> None:
    file = tmp_path / "evil.tar"
    (tmp_path / "x").write_text("x")
    for name in ("data/../../x", "/etc/x", "x", "other/x", "data//x"):
        assert not is_safe(name)
    with tarfile.open(file, "w") as packed:
        packed.add(tmp_path / "x", "data/../../x")
    with pytest.raises(backup.BackupError, match="not a path that a backup has"):
        backup.restore(file, tmp_path / "deep" / "new")
    assert not list((tmp_path / "deep").rglob("x"))


def test_a_restore_overwrites_nothing(data: DataDir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = backup.create(data.root, "duckdb", tmp_path / "backups").path
    before = content(data.root)
    with pytest.raises(UsageError, match="is not empty"):
        backup.restore(made, data.root)
    assert content(data.root) == before
    with pytest.raises(UsageError, match="of the engine duckdb, not of postgres"):
        backup.restore(made, tmp_path / "new", target="postgres")
    with pytest.raises(UsageError, match="name one of them"):
        backup.restore(tmp_path / "backups", tmp_path / "new")
    with pytest.raises(UsageError, match="There is no backup at"):
        backup.restore(tmp_path / "nowhere", tmp_path / "new")
    with pytest.raises(UsageError, match="is no backup"):
        backup.verify(data.root)
    # Whoever comes while nobody holds the place has come first.
    (tmp_path / "raced").mkdir()
    with monkeypatch.context() as patch:
        looks = iter([DataDir(tmp_path / "raced")])
        look = restoring._empty
        patch.setattr(restoring, "_empty", lambda folder: next(looks, None) or look(folder))
        (tmp_path / "raced/warehouse.duckdb").write_bytes(b"of a run")
        with pytest.raises(UsageError, match="is not empty"):
            backup.restore(made, tmp_path / "raced")
        assert (tmp_path / "raced/warehouse.duckdb").read_bytes() == b"of a run"
    # A mounted disk is not quite empty.
    (tmp_path / "new" / "lost+found").mkdir()
    assert backup.restore(made, tmp_path / "new").audit.holds


def test_a_backup_that_cannot_be_as_asked_is_refused(data: DataDir, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lies in the data folder"):
        backup.create(data.root, "duckdb", data.root / "backups")
    with pytest.raises(UsageError, match="nothing to back up"):
        backup.create(tmp_path / "empty", "duckdb", tmp_path / "backups")
    (tmp_path / "one.tar").write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        backup.create(data.root, "duckdb", tmp_path / "one.tar")
    assert (tmp_path / "one.tar").read_text() == "mine"


@pytest.mark.parametrize("form", ["folder", "tar"])
def test_while_a_run_is_at_work_a_backup_refuses_or_waits(data: DataDir, tmp_path: Path, form: str) -> None:
    with data.lock("tieout run"):
        with pytest.raises(BusyError, match="tieout run"):
            backup.create(data.root, "duckdb", place(tmp_path, form))
        left = [file for file in tmp_path.rglob("*") if file.is_relative_to(tmp_path / "backups") or "one" in file.name]
        assert [file.name for file in left if file.name not in ("backups", ".lock")] == []
        arguments = ["backup", "create", "--to", place(tmp_path, form), "--data-dir", data.root, "--wait", "2 minutes"]
        waiting = subprocess.Popen(
            [*COMMAND, *map(str, arguments)], cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for line in waiting.stderr:
            if "Waiting for another run" in line:
                break
        assert waiting.poll() is None
    out, err = waiting.communicate(timeout=120)
    assert waiting.returncode == 0, err
    assert "Written to" in out


@pytest.mark.parametrize("form", ["folder", "tar"])
@pytest.mark.parametrize("point", CRASHES)
def test_a_backup_that_was_killed_is_none(data: DataDir, tmp_path: Path, form: str, point: str) -> None:
    to = place(tmp_path, form)
    killed = tieout("backup", "create", "--to", to, "--data-dir", data.root, TIEOUT_CRASH_AT=point)
    assert killed.returncode == -signal.SIGKILL
    assert not to.exists() or backup.listed(to) == []
    halves = [path for path in (to, tmp_path) if path.is_dir() for path in path.glob("*partial*")]
    assert halves
    for half in halves:
        with pytest.raises(TieoutError, match=r"cut off|is no backup"):
            backup.verify(half)
        with pytest.raises(TieoutError):
            backup.restore(half, tmp_path / "new")
    # What it left is cleared away by the next one, which is whole.
    made = backup.create(data.root, "duckdb", to)
    assert backup.verify(made.path).holds
    if form == "folder":
        assert not list(to.glob(".partial*"))


@pytest.mark.parametrize("point", ["restore-before-tables", "restore-mid-move"])
def test_a_restore_that_was_killed_is_told(data: DataDir, tmp_path: Path, point: str) -> None:
    made = backup.create(data.root, "duckdb", tmp_path / "backups").path
    killed = tieout("restore", made, "--data-dir", tmp_path / "new", TIEOUT_CRASH_AT=point)
    assert killed.returncode == -signal.SIGKILL
    again = tieout("restore", made, "--data-dir", tmp_path / "new")
    assert again.returncode == 2
    assert "holds a restore that was cut off" in again.stderr
    # Nobody takes half of a data folder for the whole of it.
    run = tieout("run", "--data-dir", tmp_path / "new")
    assert (run.returncode, "restore that was cut off" in run.stderr) == (2, True)
    with pytest.raises(UsageError, match="restore that was cut off"):
        pipeline.land(tmp_path / "new", None)
    assert tieout("restore", made, "--data-dir", tmp_path / "other").returncode == 0


def test_an_audit_that_was_not_as_written_is_restored_and_told(data: DataDir, tmp_path: Path) -> None:
    with duckdb.connect(str(data.warehouse)) as connection:
        connection.execute("update audit.reconciliation_runs set started_by = 'nobody' where sequence_number = 2")
    made = backup.create(data.root, "duckdb", tmp_path / "backups").path
    assert tieout("backup", "verify", made).returncode == 0
    done = tieout("restore", made, "--data-dir", tmp_path / "new", "--json")
    assert done.returncode == 1
    (fault,) = json.loads(done.stdout)["audit"]["faults"]
    assert (fault["where"], fault["row"], fault["kind"]) == ("reconciliation_runs", 2, "CHANGED")


def test_the_first_run_after_a_restore_builds_everything(data: DataDir, tmp_path: Path) -> None:
    assert not code_version.needs_rebuild(data, "duckdb", "c0de")
    made = backup.create(data.root, "duckdb", tmp_path / "backups").path
    new = DataDir(backup.restore(made, tmp_path / "new").data_dir)
    # A restore proves the audit, and health knows of it.
    proved = verified.last(new, "duckdb")
    assert proved is not None
    assert (proved.holds, proved.rows) == (True, 3)
    assert code_version.needs_rebuild(new, "duckdb", "c0de")
    now = clock.now()
    record = RunRecord("r2", MOMENT, clock.to_text(now), "duckdb", replay=False, built=True, code_version="c0de")
    assert record.started_at > runs.restored_at(new, "duckdb")
    # One that failed half-way leaves the rest to the next one.
    record.end(new, State.FAILED, now)
    assert code_version.needs_rebuild(new, "duckdb", "c0de")
    record.end(new, State.CLOSED, now)
    assert not code_version.needs_rebuild(new, "duckdb", "c0de")


def test_the_commands_say_what_they_did(data: DataDir, tmp_path: Path) -> None:
    made = tieout("backup", "create", "--to", tmp_path / "backups", "--data-dir", data.root, "--json")
    said = json.loads(made.stdout)
    assert said["latest"]["results_hashes"] == {"pos_oms_orders": "ab" * 32}
    assert said["tables"]["reconciliation_runs"] == 3
    damage(Path(said["path"]), "changed")
    verified = tieout("backup", "verify", said["path"], "--json")
    assert verified.returncode == 1
    assert json.loads(verified.stdout)["faults"][0].startswith("data/landing/pos/orders/acme/bbbbbbbbbbbb/")
    note_run(data, "r2")
    again = tieout("backup", "create", "--to", tmp_path / "backups", "--keep", "1", "--data-dir", data.root)
    assert f"Removed {said['backup_id']}" in again.stdout
    (row,) = json.loads(tieout("backup", "list", tmp_path / "backups", "--json").stdout)
    restored = tieout("restore", tmp_path / "backups" / row["backup"], "--data-dir", tmp_path / "new")
    assert restored.returncode == 0, restored.stderr
    assert "The audit is as it was written." in restored.stdout
    assert f"--as-of {MOMENT}" in restored.stdout
    asked = tieout("backup", "create", "--to", tmp_path / "a.tar", "--keep", "1", "--data-dir", data.root)
    assert asked.returncode == 2
    assert tieout("backup", "create", "--to", tmp_path / "b", "--wait", "soon").returncode == 2


def test_two_backups_into_one_folder_do_not_meet(data: DataDir, tmp_path: Path) -> None:
    backup.create(data.root, "duckdb", tmp_path / "backups")
    with (tmp_path / "backups" / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(BusyError, match="Another backup"):
            backup.create(data.root, "duckdb", tmp_path / "backups", wait=timedelta(seconds=1))


def test_a_backup_of_an_earlier_version_is_brought_up_to_date(data: DataDir, tmp_path: Path) -> None:
    with duckdb.connect(str(data.warehouse)) as connection:
        for view in ("dead_letters", "reconciliation_run_states", "reconciliation_step_run_states"):
            connection.execute(f"drop view audit.{view}")
        connection.execute("alter table audit.reconciliation_runs drop column lapses")
        connection.execute(
            "create table audit.exception_log as select 'x' as exception_id, 1.50::decimal(9, 2) as amount"
        )
    made = backup.create(data.root, "duckdb", tmp_path / "backups").path
    new = DataDir(backup.restore(made, tmp_path / "new").data_dir)
    note_run(new, "r2")
    with duckdb.connect(str(new.warehouse), read_only=True) as connection:
        states = connection.execute("select run_id, state, lapses from audit.reconciliation_run_states order by 1")
        assert states.fetchall() == [("r1", "SUCCEEDED", None), ("r2", "SUCCEEDED", None)]
        (kept,) = connection.execute("select exception_id, amount, typeof(amount) from audit.exception_log").fetchall()
        assert (kept[0], str(kept[1]), kept[2]) == ("x", "1.50", "DECIMAL(9,2)")


@pytest.mark.parametrize("form", ["folder", "tar"])
def test_a_full_disk_leaves_no_backup_and_no_restore(data: DataDir, tmp_path: Path, form: str) -> None:
    put(data, "archive/acme/pos/orders/large.csv", "x" * 300_000)

    def start(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        # No file may become larger: what is written fails as it does on a full disk.
        return subprocess.run(
            [*COMMAND, *map(str, arguments)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000)),
        )

    to = place(tmp_path, form)
    full = start("backup", "create", "--to", to, "--data-dir", data.root)
    assert full.returncode == 1
    assert "The backup cannot be written to" in full.stderr
    assert "Traceback" not in full.stderr
    assert [path.name for path in tmp_path.rglob("*") if "partial" in path.name or path.name == NAME] == []

    made = backup.create(data.root, "duckdb", to)
    full = start("restore", made.path, "--data-dir", tmp_path / "new")
    assert full.returncode == 1
    assert "Traceback" not in full.stderr
    assert [file.name for file in (tmp_path / "new").iterdir()] == [".lock"]
    assert backup.restore(made.path, tmp_path / "new").audit.holds


@pytest.mark.parametrize("form", ["folder", "tar"])
def test_a_database_that_is_written_to_is_taken_in_one_state(data: DataDir, tmp_path: Path, form: str) -> None:
    file = data.root / "connectors" / "bank.sqlite"
    writer = sqlite3.connect(file, isolation_level=None)
    writer.execute("pragma journal_mode = wal")
    writer.execute("create table taken (name text)")
    writer.execute("insert into taken values ('one')")
    writer.execute("begin")
    writer.execute("insert into taken values ('half')")
    # Whatever somebody delivers is kept as it is.
    put(data, "archive/acme/pos/orders/theirs.sqlite", "not a database")
    made = backup.create(data.root, "duckdb", place(tmp_path, form))
    writer.close()
    assert not [entry.path for entry in made.manifest.files if entry.path.endswith(("-wal", "-shm"))]
    backup.restore(made.path, tmp_path / "new")
    restored = sqlite3.connect(tmp_path / "new" / "connectors" / "bank.sqlite")
    assert restored.execute("select * from taken").fetchall() == [("one",)]
    restored.close()
    assert (tmp_path / "new" / "archive/acme/pos/orders/theirs.sqlite").read_text() == "not a database"
