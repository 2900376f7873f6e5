"""The run as a whole, on the mini project: exit codes, the JSON, replays, the lock, cancellation and crashes."""

import fcntl
import signal
import subprocess
import time
from pathlib import Path

import duckdb
import pytest

from tests.python.pipeline.conftest import Mini
from tests.python.ready import COMMAND, ROOT

DAY_1, DAY_2 = "2026-03-02T06:00:00Z", "2026-03-03T06:00:00Z"


def published_orders(mini: Mini) -> list[str]:
    with duckdb.connect(str(mini.root / "published" / "tieout.duckdb"), read_only=True) as connection:
        rows = connection.execute("select source_activity_id from marts.reconciliation_results order by 1").fetchall()
    return [row[0] for row in rows]


def content_of_warehouse(mini: Mini) -> dict[str, list[str]]:
    """All that stands in the warehouse but the audit, which tells of replays too."""
    with duckdb.connect(str(mini.root / "warehouse.duckdb"), read_only=True) as connection:
        names = connection.execute(
            "select table_schema || '.' || table_name from information_schema.tables where table_schema <> 'audit'"
        ).fetchall()
        return {name: sorted(map(repr, connection.execute(f"from {name}").fetchall())) for (name,) in names}


def test_a_run_closes_the_books_and_says_so_in_json(mini: Mini) -> None:
    mini.deliver("one.csv", "A1:1050", "A2:200")
    answer = mini.run(DAY_1)
    assert answer.code == 0, answer.err
    summary = answer.json
    assert list(summary) == [
        "run_id",
        "as_of",
        "target",
        "landed",
        "streams",
        "laws",
        "timings",
        "replay",
        "published",
        "failures",
        "lapses",
    ]
    assert summary["as_of"] == "2026-03-02T06:00:00.000000Z"
    assert summary["target"] == "duckdb"
    assert summary["landed"] == {"batches": 1, "rows": 2, "rejected": 0, "redelivered": 0, "failed_files": 0}
    sales = dict(summary["streams"]["sales"])
    assert len(sales.pop("results_hash")) == 64
    assert sales == {
        "matched": 0,
        "mismatched": 0,
        "missing_source": 0,
        "missing_target": 2,
        "pending": 0,
        "ambiguous": 0,
        "duplicate": 0,
        "excluded": 0,
    }
    assert summary["laws"] == {"passed": 1, "failed": 0}
    assert set(summary["timings"]) == {"landing", "load", "dbt", "audit", "publish", "total"}
    assert summary["replay"] is False
    assert summary["published"] == str(mini.root / "published")
    assert summary["failures"] == []
    assert published_orders(mini) == ["A1", "A2"]
    (record,) = mini.records()
    assert record["state"] == "CLOSED"
    assert record["summary"] == summary
    assert record["ended_at"] > record["started_at"]
    # Progress goes to stderr, so that stdout is JSON and nothing else.
    assert "Reconciling" in answer.err

    # The same answer again, from the record.
    assert mini.tieout("summary", "--json").json == summary
    assert "The books closed." in mini.tieout("summary").out

    # Again is nothing: no file, no new version.
    mini.deliver("again.csv", "A1:1050", "A2:200")
    again = mini.run(DAY_1)
    assert again.json["landed"]["redelivered"] == 1
    assert again.json["streams"] == summary["streams"]
    assert (mini.root / "published").readlink() == Path(".versions/1")


def test_a_broken_law_fails_the_run_and_publishes_nothing(mini: Mini) -> None:
    mini.deliver("one.csv", "A1:100")
    assert mini.run(DAY_1).code == 0
    mini.deliver("two.csv", "A2:100")
    answer = mini.run(DAY_2, DBT_ENV_CUSTOM_ENV_MINI_LAW="broken")
    assert answer.code == 1
    assert answer.json["laws"] == {"passed": 0, "failed": 1}
    assert answer.json["published"] is None
    (message,) = answer.json["failures"]
    assert message.startswith(
        "test law_that_tests_can_break: 1 row contradicts it. Holds unless a test says otherwise."
    )
    assert Path(message.split("Query: ")[1]).is_file()
    assert published_orders(mini) == ["A1"]
    assert mini.records()[-1]["state"] == "FAILED"
    shown = mini.tieout("summary").out
    assert "The books did NOT close." in shown
    assert "law_that_tests_can_break" in shown
    # The cause gone, the next run carries on.
    assert mini.run(DAY_2).code == 0
    assert published_orders(mini) == ["A1", "A2"]


def test_a_run_before_the_latest_one_is_a_replay(mini: Mini) -> None:
    mini.deliver("one.csv", "A1:100")
    first = mini.run(DAY_1).json
    mini.deliver("two.csv", "A2:100")
    second = mini.run(DAY_2).json
    assert first["streams"] != second["streams"]
    mini.deliver("three.csv", "A3:100")
    link, warehouse = (mini.root / "published").readlink(), content_of_warehouse(mini)

    replay = mini.run(DAY_1)
    assert replay.code == 0, replay.err
    assert replay.json["replay"] is True
    assert replay.json["published"] is None
    assert replay.json["landed"]["batches"] == 0
    assert replay.json["streams"] == first["streams"]
    assert (mini.root / "inbox/acme/pos/orders/three.csv").is_file()
    assert (mini.root / "published").readlink() == link
    assert content_of_warehouse(mini) == warehouse
    assert not (mini.root / "replays").exists()

    # A replay moves nothing: the day after the latest real run is still an ordinary run.
    assert mini.run(DAY_2).json["replay"] is False


def test_a_time_before_the_latest_receipt_is_a_replay_too(mini: Mini) -> None:
    mini.deliver("one.csv", "A1:100")
    assert mini.tieout("land", "--as-of", DAY_2).code == 0
    assert mini.run(DAY_1).json["replay"] is True
    late = mini.tieout("land", "--as-of", DAY_1)
    assert late.code == 2
    assert "nothing can be received in the past" in late.err


def test_one_run_at_a_time(mini: Mini) -> None:
    with (mini.root / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("process 4711, tieout run")
        lock.flush()
        answer = mini.run(DAY_1)
    assert answer.code == 2
    assert "in use by another run (process 4711, tieout run)" in answer.err
    assert "Traceback" not in answer.err
    assert mini.records() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_is_recorded_as_cancelled(mini: Mini, number: signal.Signals) -> None:
    mini.deliver("one.csv", "A1:100")
    process = subprocess.Popen(
        [*COMMAND, "run", "--data-dir", str(mini.root), "--as-of", DAY_1],
        cwd=ROOT,
        env=mini.environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        if line.startswith("Reconciling"):
            break
    time.sleep(0.5)
    process.send_signal(number)
    error = process.stderr.read()
    assert process.wait(timeout=60) == 130, error
    assert "nothing was published" in error
    assert "Traceback" not in error
    assert mini.records()[-1]["state"] == "CANCELLED"
    assert not (mini.root / "published").exists()
    assert mini.run(DAY_1).code == 0
    assert published_orders(mini) == ["A1"]


@pytest.mark.parametrize("point", ["after-landing", "after-dbt", "mid-publish", "before-swap", "after-swap"])
def test_a_crash_anywhere_and_a_rerun_end_in_the_same_state(mini: Mini, point: str) -> None:
    mini.deliver("one.csv", "A1:100")
    assert mini.run(DAY_1).code == 0
    mini.deliver("two.csv", "A2:100")
    crashed = mini.run(DAY_2, TIEOUT_CRASH_AT=point)
    assert crashed.code == -signal.SIGKILL
    assert mini.records()[-1]["state"] == "RUNNING"
    # Readers see the old state or the new one, whole.
    assert published_orders(mini) == (["A1", "A2"] if point == "after-swap" else ["A1"])
    again = mini.run(DAY_2)
    assert again.code == 0, again.err
    assert again.json["streams"]["sales"]["missing_target"] == 2
    assert published_orders(mini) == ["A1", "A2"]
    assert not list((mini.root / ".versions").glob("*.tmp"))


def test_a_project_that_does_not_parse_is_a_configuration_error(mini: Mini, tmp_path: Path) -> None:
    project = tmp_path / "project"
    subprocess.run(["cp", "-R", mini.environment()["TIEOUT_PROJECT_DIR"], project], check=True)
    (project / "models/marts/broken.sql").write_text("select {{ no_such_macro() }} {% endfor %}")
    mini.deliver("one.csv", "A1:100")
    answer = mini.run(DAY_1, TIEOUT_PROJECT_DIR=str(project))
    assert answer.code == 2
    assert "broken.sql" in answer.err
    assert "Traceback" not in answer.err
    assert mini.records()[-1]["state"] == "FAILED"
