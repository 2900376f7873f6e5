"""Two files in, results out: on DuckDB and on Postgres, and without a trace where it fails or is stopped."""

import gzip
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.data_dir import DataDir
from orchestration.quick.work import tell_audit
from orchestration.quick.workshop import opened
from tests.python import ready
from tests.python.declarations.project import copy, write
from tests.python.laws.harness import on_postgres
from tests.python.quick import files
from tests.python.quick.command import arguments, quick, rows
from tests.python.ready import COMMAND, ROOT

# One worker, so that what was parsed once is used again.
pytestmark = pytest.mark.xdist_group("quick")

NAMES = {
    *("control_totals.csv", "exceptions.csv", "quick.json", "rejected_records.csv", "results.csv", "results.parquet"),
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One data folder for the tests of this file."""
    return tmp_path_factory.mktemp("data")


# The audit of the main data folder, and the lock of who writes it.
OF_THE_AUDIT = {".lock", "artifacts", "audit", "warehouse.duckdb"}


def left_over(data: Path) -> set[str]:
    """What lies in a data folder, scratch, kept projects and the audit apart."""
    return ({path.relative_to(data).as_posix() for path in data.glob("*")} - OF_THE_AUDIT) | {
        path.relative_to(data).as_posix() for path in data.glob("quick/[!.]*/*")
    }


def sorted_rows(found: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(found, key=lambda row: [str(value) for value in row])


def test_nasty_files(data: Path, tmp_path: Path) -> None:
    left, right = files.write(tmp_path)
    before, there = (left.read_bytes(), right.read_bytes()), left_over(data) | {"quick"}
    done = quick(data, left, right, *files.OPTIONS, "--json")
    assert done.code == 0, done.err
    answer = done.json
    stream = answer["streams"]["quick"]
    assert {name: stream[name] for name in files.COUNTS} == files.COUNTS
    assert answer["laws"] == {"passed": 4, "failed": 0}
    assert answer["landed"]["batches"] == 2
    assert answer["landed"]["rows"] == 24
    assert answer["guessed"]["on"] | {"text": ""} == {
        "left": ["Order ID "],
        "right": ["order_id"],
        "origin": "guessed",
        "text": "",
    }
    assert "left is written with decimal mark , and groups marked with ." in done.err

    assert {Path(file).name for file in answer["files"]} == NAMES == {file.name for file in done.results.iterdir()}
    parquet = done.results / "results.parquet"
    assert sorted_rows(rows(files.VERDICTS_QUERY, parquet)) == sorted_rows(files.VERDICTS)
    # Both files hold the same rows in the same order, to the letter.
    assert rows("select * from {file}", done.results / "results.csv") == rows(
        "select columns(*)::varchar from {file}", parquet
    )
    statuses = "select source_status, target_status from {file} where source_activity_id in ('0003', '0009', '12')"
    assert set(rows(statuses, parquet)) == {("PAID", "PAID"), ("(BLANK)", "(BLANK)"), ("SAYS UNKNOWN", "SAYS UNKNOWN")}
    assert rows("select row_number, value, reasons from {file}", done.results / "rejected_records.csv") == [
        ("6", "abc", "total: unreadable_amount"),
        ("13", "01.03.26", "created_at: unreadable_time"),
    ]
    broken = "select count(*) filter (holds <> 'true'), count(*) > 20 from {file} where of_what = 'books'"
    assert rows(broken, done.results / "control_totals.csv") == [(0, True)]
    told = "select explanation from {file} where anomaly = 'MISSING_BANK'"
    assert rows(told, done.results / "exceptions.csv")[0][0].startswith("SHOP 0005 (7.00 EUR, OPEN)")

    record = json.loads((data / "quick" / answer["quick_id"] / "quick.json").read_text())
    assert record["state"] == "CLOSED"
    assert record["files"]["left"]["rows"] == 13
    assert record["run"]["run_id"] == answer["run_id"]
    assert {rule["step"] for rule in record["rules"]} >= {"by_key", "unmatched"}
    # What was scratch is gone, what was there is as it was.
    assert left_over(data) - there == {f"quick/{answer['quick_id']}/{name}" for name in ("quick.json", "results")}
    assert (left.read_bytes(), right.read_bytes()) == before


def test_several_columns_days_and_numbers_of_json(data: Path, tmp_path: Path) -> None:
    left, right, out = tmp_path / "a.jsonl", tmp_path / "b.psv.csv", tmp_path / "out"
    left.write_text(
        '{"store": "S|1", "nr": 1001, "total": 12.10, "date": "2026-03-01"}\n'
        '{"store": "S2", "nr": 1001, "total": 0.1234, "date": "2026-03-01"}\n'
        '{"store": "S2", "nr": 1002, "total": 3, "date": "2026-03-02"}\n'
        '{"store": "S2", "nr": 1003, "total": 3, "date": "2031-03-02"}\n'
    )
    right.write_text(
        "STORE|No.|total|order_date\n"
        '"S|1"|1001|12.1|01.03.2026\nS2|1001|0.1235|1.3.2026\nS2|1002|3|01.03.2026\n|1003|3|02.03.2031\n'
    )
    # What an earlier one wrote is replaced, and nothing else is.
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    options = ("--on", "store,nr=no.", "--price-abs", "0.0001", "--out", str(out), "--json")
    refused = quick(data, left, right, *options)
    assert refused.code == 2
    assert "holds files that are not from `tieout quick`" in refused.err
    (out / "mine.txt").rename(out / "quick.json")
    done = quick(data, left, right, *options)
    assert done.code == 0, done.err
    assert done.results == out
    assert {file.name for file in out.iterdir()} == NAMES
    assert sorted_rows(rows(files.VERDICTS_QUERY, out / "results.parquet")) == sorted_rows(
        [
            ("MATCHED", "", "S||1 | 1001", "S||1 | 1001", 121000, 121000, 0),
            ("MATCHED", "", "S2 | 1001", "S2 | 1001", 1234, 1235, 0),
            ("MISMATCHED", "TIMESTAMP_SKEW", "S2 | 1002", "S2 | 1002", 30000, 30000, -86_400_000_000),
            ("MISSING_TARGET", "MISSING_RIGHT", "S2 | 1003", None, 30000, None, None),
        ]
    )
    # Nothing waits because its time has not come.
    assert done.json["as_of"].startswith("2031-03-02T00:00:00")
    assert done.json["guessed"]["clock"]["origin"] == "default"
    assert rows("select reasons from {file}", out / "rejected_records.csv") == [
        ("store: missing_value; whole_key: missing_id",)
    ]
    # No currency is told, and none is made up; nor is a status.
    assert rows("select distinct source_currency, source_status from {file}", out / "results.parquet") == [
        ("XXX", None)
    ]


def test_files_with_nothing_to_compare_but_their_keys(data: Path, tmp_path: Path) -> None:
    left, right = tmp_path / "a.parquet", tmp_path / "b.csv.gz"
    duckdb.sql(f"copy (select unnest([1, 2, 3]) as \"order\", 'x' as \"user\") to '{left}' (format parquet)")
    right.write_bytes(gzip.compress(b"order,note\n1,a\n3,b\n4,c\n"))
    done = quick(data, left, right, "--on", "order", "--keep")
    assert done.code == 0, done.err
    assert "The books closed." in done.out
    assert "amount: not compared" in done.out
    (folder,) = (path.parent for path in (data / "quick").glob("*/data"))
    assert (folder / "data" / "warehouse.duckdb").is_file()
    query = "select result, source_activity_id, target_activity_id, source_amount_minor, business_date from {file}"
    assert sorted_rows(rows(query, folder / "results" / "results.parquet")) == [
        ("MATCHED", "1", "1", None, None),
        ("MATCHED", "3", "3", None, None),
        ("MISSING_SOURCE", None, "4", None, None),
        ("MISSING_TARGET", "2", None, None, None),
    ]


def test_every_fault_of_the_options_is_told(tmp_path: Path) -> None:
    left, _ = files.write(tmp_path)
    data = tmp_path / "data"
    done = quick(data, left, tmp_path / "none.csv", "--left-name", "tieout", "--price-abs", "1e3", "--price-pct", "2")
    assert done.code == 2
    for part in ("--left-name 'tieout'", "--price-abs '1e3'", "--price-pct 2", "none.csv: there is no such file"):
        assert part in done.err
    done = quick(data, left, left, "--on", "number", "--amount", "gross=net")
    assert done.code == 2
    for part in ("no column 'number'", "left (shop.csv) has no column 'gross'", "right (shop.csv) has no column 'net'"):
        assert part in done.err
    assert "Traceback" not in done.err
    assert left_over(data) == {"quick"}


def test_a_file_that_is_none(tmp_path: Path) -> None:
    left, right = files.write(tmp_path)
    left.write_bytes(b"PK\x03\x04 no text")
    done = quick(tmp_path / "data", left, right)
    assert done.code == 2
    assert "an Excel workbook" in done.err
    word = tmp_path / "orders.xlsx"
    word.write_bytes(b"x")
    done = quick(tmp_path / "data", word, right)
    assert done.code == 2
    assert "endings .csv" in done.err


def test_books_that_do_not_close_give_no_results(tmp_path: Path) -> None:
    project = copy(tmp_path / "project")
    write(project, "tests/laws/law_99_nothing_agrees.sql", "{{ config(tags=['law']) }}\nselect 1 as broken\n")
    left, right = files.write(tmp_path)
    data, out = tmp_path / "data", tmp_path / "out"
    done = quick(data, left, right, "--json", "--out", str(out), TIEOUT_PROJECT_DIR=str(project))
    assert done.code == 1, done.err
    assert done.json["laws"]["failed"] == 1
    assert "law_99_nothing_agrees" in done.json["failures"][0]
    assert done.json["results"] is None
    assert not out.exists()
    record = json.loads((data / "quick" / done.json["quick_id"] / "quick.json").read_text())
    assert record["state"] == "FAILED"


def start_and_wait(data: Path, left: Path, right: Path) -> tuple["subprocess.Popen[str]", Path]:
    """Start the command and wait until it works in its scratch place."""
    process = subprocess.Popen(
        [*COMMAND, *arguments(data, left, right)],
        cwd=ROOT,
        env=dict(os.environ),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    limit = time.monotonic() + 60
    while time.monotonic() < limit:
        found = list((data / "quick").glob("*/data/landing"))
        if found:
            return process, found[0].parents[1]
        time.sleep(0.05)
    process.kill()
    raise AssertionError("it did not begin to work")


def asked(data: Path, *question: str) -> Any:
    """What another command answers."""
    done = ready.run(*question, "--data-dir", data, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_its_run_stands_in_the_audit_like_any_other(tmp_path: Path) -> None:
    left, right = files.write(tmp_path)
    data = tmp_path / "data"
    first = quick(data, left, right, *files.OPTIONS, "--json")
    # While a run is at work in the main data folder, its audit is not touched; the next one takes it in.
    with DataDir.at(data).lock("tieout run"):
        second = quick(data, left, right, *files.OPTIONS, "--json")
    assert (first.code, second.code) == (0, 0), first.err + second.err
    assert [run["run_id"] for run in asked(data, "audit", "runs")] == [first.json["run_id"]]
    third = quick(data, left, right, *files.OPTIONS, "--json")
    runs = asked(data, "audit", "runs")
    assert {run["run_id"] for run in runs} == {done.json["run_id"] for done in (first, second, third)}
    assert {(run["state"], run["stream"]) for run in runs} == {("SUCCEEDED", "quick")}
    assert left.name in runs[0]["start_reason"]
    steps = asked(data, "audit", "steps", first.json["run_id"])
    assert [step["state"] for step in steps] == ["SUCCEEDED", "SUCCEEDED"]
    assert steps[0]["rows_matched"] == first.json["streams"]["quick"]["matched"]
    kept = asked(data, "artifacts", "list", "--org", "quick", "--run", first.json["run_id"])
    assert {row["artifact_type"] for row in kept} == {"matched", "unmatched_source", "unmatched_target"}
    proof = asked(data, "audit", "verify")
    assert proof["verified"] is True
    assert proof["artifacts"] > 5
    # Nothing else of the main data folder is there: no run rests on a quick one.
    assert not (data / "runs").exists()


def test_one_that_is_stopped_leaves_its_record_alone(tmp_path: Path) -> None:
    left, right = files.write(tmp_path)
    process, folder = start_and_wait(tmp_path / "data", left, right)
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert [path.name for path in folder.iterdir()] == ["quick.json"]
    record = json.loads((folder / "quick.json").read_text())
    assert (record["state"], record["run"]["state"]) == ("CANCELLED", "CANCELLED")
    assert left.read_text() == files.LEFT
    (run,) = asked(tmp_path / "data", "audit", "runs")
    assert (run["state"], run["stream"]) == ("CANCELLED", "quick")
    assert asked(tmp_path / "data", "audit", "verify")["verified"] is True


def test_what_a_killed_one_left_goes_with_the_next(tmp_path: Path) -> None:
    left, right = files.write(tmp_path)
    home = tmp_path / "data"
    process, folder = start_and_wait(home, left, right)
    process.kill()
    process.communicate(timeout=60)
    assert (folder / "data").is_dir()
    with opened(DataDir.at(home), "next") as shop:
        assert [path.name for path in folder.iterdir()] == ["quick.json"]
        assert json.loads((folder / "quick.json").read_text())["state"] == "FAILED"
        # One that is at work is left alone.
        with opened(DataDir.at(home), "beside"):
            assert shop.root.is_dir()
    assert not shop.root.exists()
    tell_audit(DataDir.at(home), "duckdb")
    (run,) = asked(home, "audit", "runs")
    assert (run["state"], run["failure_code"]) == ("FAILED", "CRASHED")


@pytest.mark.postgres
def test_postgres_says_the_same_and_keeps_its_schemas(
    data: Path, tmp_path: Path, postgres_database: dict[str, str]
) -> None:
    def ask(query: str) -> list[tuple[Any, ...]]:
        return on_postgres(postgres_database, query)[0]

    # Schemas of the main warehouse, and what somebody who was killed has left.
    for schema in ("marts", "landing", "tieout_quick_1_marts"):
        ask(f"create schema {schema}; create table {schema}.mine as select 1 as one")
    left, right = files.write(tmp_path)
    done = quick(data, left, right, *files.OPTIONS, "--target", "postgres", "--json", **postgres_database)
    assert done.code == 0, done.err
    assert done.json["laws"] == {"passed": 4, "failed": 0}
    parquet = done.results / "results.parquet"
    assert sorted_rows(rows(files.VERDICTS_QUERY, parquet)) == sorted_rows(files.VERDICTS)
    schemas = ask("select nspname from pg_namespace where nspname not like 'pg!_%' escape '!' order by 1")
    assert schemas == [("audit",), ("information_schema",), ("landing",), ("marts",), ("public",)]
    (run,) = asked(data, "audit", "runs", "--target", "postgres")
    assert (run["run_id"], run["state"]) == (done.json["run_id"], "SUCCEEDED")
    assert asked(data, "audit", "verify", "--target", "postgres")["verified"] is True
    tables = ask(
        "select table_schema, table_name from information_schema.tables where table_schema in ('landing', 'marts')"
    )
    assert sorted(tables) == [("landing", "mine"), ("marts", "mine")]
    # One whose files cannot be used leaves nothing either.
    failed = quick(data, left, right, "--on", "nothing", "--target", "postgres", **postgres_database)
    assert failed.code == 2
    assert len(ask("select 1 from pg_namespace where nspname like 'tieout!_%' escape '!'")) == 0
