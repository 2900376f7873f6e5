"""Whoever changes, removes or adds a row of the audit, or a byte of an artifact, is found out: the place is named."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.python.audit.conftest import History

TABLES = (
    "reconciliation_streams",
    "reconciliation_steps",
    "reconciliation_runs",
    "reconciliation_step_runs",
    "reconciliation_artifacts",
    "reconciliation_lineage_events",
)


def execute(history: History, *statements: str) -> None:
    """Do something to the warehouse behind Tieout's back."""
    folder = history.folder
    if folder.target == "duckdb":
        with duckdb.connect(str(folder.root / "warehouse.duckdb")) as connection:
            for statement in statements:
                connection.execute(statement)
        return
    import psycopg2

    named = {name.removeprefix("TIEOUT_PG_").lower(): folder.environment[name] for name in folder.environment}
    connection = psycopg2.connect(
        **{key: named[key] for key in ("host", "port", "user", "password")}, dbname=named["database"]
    )
    with connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connection.close()


@contextmanager
def tampered(history: History, table: str, *statements: str) -> Iterator[None]:
    """Tamper with a table for the length of a block."""
    execute(history, f"create table audit.kept as select * from audit.{table}", *statements)
    try:
        yield
    finally:
        execute(
            history,
            f"delete from audit.{table}",
            f"insert into audit.{table} select * from audit.kept",
            "drop table audit.kept",
        )


def faults(history: History) -> dict[str, dict[str, Any]]:
    """What `audit verify` names, by place."""
    proof = history.json("audit", "verify", code=1)
    assert proof["verified"] is False
    return {fault["where"]: fault for fault in proof["faults"] if fault["kind"] != "STATE"}


def count(history: History, table: str) -> int:
    return int(history.folder.warehouse(f"select count(*) from audit.{table}")[0][0])


@pytest.mark.parametrize("table", TABLES)
def test_a_changed_row_is_named(history: History, table: str) -> None:
    number = max(1, count(history, table) // 2)
    change = f"update audit.{table} set run_id = 'another' where sequence_number = {number}"
    with tampered(history, table, change):
        fault = faults(history)[table]
    assert (fault["row"], fault["kind"]) == (number, "CHANGED")
    assert history.json("audit", "verify")["verified"] is True


@pytest.mark.parametrize("table", ["reconciliation_runs", "reconciliation_artifacts"])
def test_a_removed_row_is_named_the_last_one_too(history: History, table: str) -> None:
    last = count(history, table)
    for number in (last // 2, last):
        with tampered(history, table, f"delete from audit.{table} where sequence_number = {number}"):
            fault = faults(history)[table]
        assert (fault["row"], fault["kind"]) == (number, "REMOVED")


def test_a_row_put_in_between_is_named(history: History) -> None:
    table = "reconciliation_runs"
    copy = f"insert into audit.{table} select * from audit.kept where sequence_number = 4"
    with tampered(history, table, copy, f"update audit.{table} set state = 'SUCCEEDED' where sequence_number = 4"):
        fault = faults(history)[table]
    assert fault["row"] == 4


def test_a_row_put_in_at_the_end_is_named(history: History) -> None:
    table = "reconciliation_runs"
    last = count(history, table)
    columns = [
        name
        for (name,) in history.folder.warehouse(
            "select column_name from information_schema.columns where table_schema = 'audit'"
            f" and table_name = '{table}' order by ordinal_position"
        )
    ]
    others = ", ".join(columns[1:])
    forged = (
        f"insert into audit.{table} ({', '.join(columns)})"
        f" select sequence_number + 1, {others} from audit.kept where sequence_number = {last}"
    )
    with tampered(history, table, forged):
        fault = faults(history)[table]
    assert (fault["row"], fault["kind"]) == (last + 1, "INSERTED")


def test_a_table_that_is_emptied_is_named(history: History) -> None:
    with tampered(history, "reconciliation_artifacts", "delete from audit.reconciliation_artifacts"):
        found = faults(history)
    assert (found["reconciliation_artifacts"]["row"], found["reconciliation_artifacts"]["kind"]) == (1, "REMOVED")
    assert any(fault["kind"] == "FILE_INSERTED" for fault in found.values()), "the files are nobody's now"


def test_a_chain_and_notes_made_anew_are_told_by_a_head_kept_elsewhere(history: History, tmp_path: Path) -> None:
    head = tmp_path / "head.json"
    head.write_text(history.tieout("audit", "head").stdout)
    assert history.tieout("audit", "verify", "--head", str(head)).returncode == 0
    said = json.loads(head.read_text())
    said["reconciliation_runs"][1] = "0" * 64
    head.write_text(json.dumps(said))
    found = history.json("audit", "verify", "--head", str(head), code=1)["faults"]
    assert [(fault["where"], fault["row"]) for fault in found] == [
        ("reconciliation_runs", said["reconciliation_runs"][0])
    ]
    head.write_text("no JSON")
    assert history.tieout("audit", "verify", "--head", str(head)).returncode == 2


def test_notes_that_were_tampered_with_are_told(history: History) -> None:
    (file,) = (history.folder.root / "audit").glob("anchors-*.jsonl")
    whole = file.read_text()
    try:
        file.write_text(whole.replace('"written"', '"writ', 1))
        done = history.tieout("audit", "verify")
        assert done.returncode == 1
        assert "line 2" in done.stderr
        file.unlink()
        assert {fault["kind"] for fault in faults(history).values()} == {"INSERTED"}
    finally:
        file.write_text(whole)


def a_file(history: History, org: str = "acme") -> tuple[dict[str, Any], Path]:
    """An artifact of an org with rows in it, and its file."""
    found = history.json("artifacts", "list", "--org", org, "--type", "matched")
    one = next(row for row in found if row["row_count"])
    return one, history.folder.root / one["storage_path"]


def test_a_changed_byte_a_removed_file_and_one_put_in_are_named(history: History, tmp_path: Path) -> None:
    artifact, file = a_file(history)
    kept = tmp_path / "kept"
    shutil.copyfile(file, kept)
    path = artifact["storage_path"]
    try:
        content = bytearray(kept.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
        assert faults(history)[path]["kind"] == "FILE_CHANGED"
        done = history.tieout(
            "artifacts", "get", artifact["artifact_id"], "--org", "acme", "--out", str(tmp_path / "x")
        )
        assert done.returncode == 1
        assert "is not what was written" in done.stderr
        assert not (tmp_path / "x").exists()
        assert history.tieout("artifacts", "verify", "--org", "acme").returncode == 1
        assert history.tieout("artifacts", "verify", "--org", "bolt").returncode == 0
        file.unlink()
        assert faults(history)[path]["kind"] == "FILE_REMOVED"
    finally:
        shutil.copyfile(kept, file)
    stranger = file.with_name("stranger.parquet")
    shutil.copyfile(kept, stranger)
    try:
        assert [fault["kind"] for fault in faults(history).values()] == ["FILE_INSERTED"]
    finally:
        stranger.unlink()
    assert history.json("audit", "verify")["verified"] is True
