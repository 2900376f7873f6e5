"""A run that is killed, retried, cancelled, repeated, or that fails leaves an audit that reads right and verifies."""

import json
from collections import Counter
from pathlib import Path

import duckdb

from orchestration.audit.definitions import Step
from orchestration.audit.ledger import open_ledger
from orchestration.audit.recorder import begin, end
from orchestration.audit.verification import verify
from orchestration.data_dir import DataDir
from orchestration.environment import Place
from orchestration.runs import RunRecord
from tests.python.audit.conftest import History

ENDED = {
    "first": ["QUEUED", "RUNNING", "SUCCEEDED"],
    "repeated": ["QUEUED", "RUNNING", "SUCCEEDED"],
    "killed": ["QUEUED", "RUNNING", "FAILED"],
    "retried": ["QUEUED", "RUNNING", "SUCCEEDED"],
    "killed late": ["QUEUED", "RUNNING", "FAILED"],
    "retried late": ["QUEUED", "RUNNING", "SUCCEEDED"],
    "cancelled": ["QUEUED", "RUNNING", "CANCELLED"],
    "failed": ["QUEUED", "RUNNING", "FAILED"],
    "healed": ["QUEUED", "RUNNING", "SUCCEEDED"],
    "replay": ["QUEUED", "RUNNING", "SUCCEEDED"],
}
STEPS = ("pos_oms_orders__by_order_id", "pos_oms_orders__by_store_amount_time", "pos_oms_orders__unmatched")


def test_every_run_stands_there_with_its_end(history: History) -> None:
    assert {name: history.states(run_id) for name, run_id in history.runs.items()} == ENDED
    assert history.json("audit", "verify")["verified"] is True
    assert "The audit is as it was written." in history.tieout("audit", "verify").stdout


def test_who_why_and_which_attempt(history: History) -> None:
    runs = {run["run_id"]: run for run in history.json("audit", "runs")}
    named = {name: runs[run_id] for name, run_id in history.runs.items()}
    assert {run["started_by"] for run in runs.values()} == {"ann"}
    assert named["first"]["start_reason"] == "the first day"
    # The same request again is the next attempt at it, whatever came of the one before.
    attempts = {name: named[name]["attempt"] for name in named}
    assert attempts == {
        "first": 1,
        "repeated": 2,
        "killed": 1,
        "retried": 2,
        "killed late": 3,
        "retried late": 4,
        "cancelled": 1,
        "failed": 2,
        "healed": 3,
        "replay": 3,
    }
    assert [name for name in named if named[name]["is_replay"]] == ["replay"]
    keys = dict(
        history.folder.warehouse("select run_id, max(idempotency_key) from audit.reconciliation_runs group by 1")
    )
    assert keys[history.runs["killed"]] == keys[history.runs["retried"]] != keys[history.runs["first"]]


def test_failures_have_a_class_and_say_what_to_do(history: History) -> None:
    everything = {row["run_id"]: row for row in history.json("audit", "dead-letters", "--all")}
    assert set(everything) == {history.runs[name] for name in ("killed", "killed late", "failed")}
    killed, failed = (everything[history.runs[name]] for name in ("killed", "failed"))
    assert (killed["failure_class"], killed["failure_code"]) == ("ENGINE", "CRASHED")
    assert (failed["failure_class"], failed["failure_code"]) == ("LAW", "law_that_tests_can_break")
    assert "row contradicts it" in failed["failure_message"]
    assert all(row["what_to_do"] and row["is_dealt_with"] for row in everything.values())
    # Later runs have closed the books: nothing is left to deal with.
    assert history.json("audit", "dead-letters") == []
    assert "No failed run is left" in history.tieout("audit", "dead-letters").stdout


def test_steps_say_what_came_in_and_what_became_of_it(history: History) -> None:
    by_id, by_store, left = history.json("audit", "steps", history.runs["first"])
    assert [by_id["model"], by_store["model"], left["model"]] == list(STEPS)
    assert {step["state"] for step in (by_id, by_store, left)} == {"SUCCEEDED"}
    assert (by_id["rows_in_source"], by_id["rows_in_target"]) == (8, 6)
    assert (by_id["rows_matched"], by_id["rows_mismatched"], by_id["rows_left_source"]) == (4, 2, 2)
    assert by_id["rows_judged"] == 8
    # What a step leaves is what the next one takes.
    assert (by_store["rows_in_source"], by_store["rows_in_target"]) == (2, 0)
    assert (left["rows_in_source"], left["rows_missing_target"]) == (2, 2)
    assert by_id["started_at"] <= by_id["ended_at"] <= by_store["ended_at"]
    # Every record that came in is in what became of it, in the whole history.
    for counts in history.folder.warehouse(
        "select rows_in_source, rows_matched + rows_mismatched + rows_left_source + rows_missing_target + rows_pending"
        " from audit.reconciliation_step_run_states where state = 'SUCCEEDED' and rows_ambiguous = 0"
    ):
        assert counts[0] == counts[1]


def test_what_had_nothing_new_was_skipped_and_what_was_not_reached_is_not_forgotten(history: History) -> None:
    def states(name: str) -> dict[str, str]:
        return {row["model"]: row["state"] for row in history.json("audit", "steps", history.runs[name])}

    repeated = states("repeated")
    assert {repeated[STEPS[0]], repeated[STEPS[1]]} == {"SKIPPED"}
    assert repeated[STEPS[2]] == "SUCCEEDED", "left-overs change with the clock"
    assert set(states("killed").values()) == {"CANCELLED"}
    assert set(states("cancelled").values()) == {"CANCELLED"}
    assert set(states("failed").values()) == {"SUCCEEDED"}


def test_artifacts_hold_each_verdict_once(history: History) -> None:
    """The matches of all files together are the matches, though a run was killed after it had judged, one cancelled,
    and one failed."""
    folder = history.folder
    found: Counter[str] = Counter()
    for org, path, rows, kind in folder.warehouse(
        "select org_id, storage_path, row_count, artifact_type from audit.reconciliation_artifacts"
    ):
        assert path.startswith(f"artifacts/{folder.target}/{org}/")
        read = duckdb.sql(f"select * from read_parquet('{folder.root / path}')")
        assert len(read) == rows
        if kind == "matched":
            ids = read.project("source_activity_id, target_activity_id").fetchall()
            assert all(source == target for source, target in ids)
            found.update(source for source, _ in ids)
    matches = {
        row[0]
        for row in folder.published(
            "select source_activity_id from marts.reconciliation_results where result in ('MATCHED', 'MISMATCHED')"
        )
    }
    assert len(matches) == 24
    assert found == Counter(matches)


def test_lineage_leads_from_step_to_file_to_step(history: History) -> None:
    run_id = history.runs["first"]
    events = history.folder.warehouse(
        "select events.event_type, events.step_run_id, artifacts.artifact_type, events.downstream_step_run_id"
        " from audit.reconciliation_lineage_events as events inner join audit.reconciliation_artifacts as artifacts"
        f" on events.artifact_id = artifacts.artifact_id where events.org_id = 'acme' and events.run_id = '{run_id}'"
    )
    handed_on = {event[1:] for event in events if event[0] == "HANDED_ON"}
    assert (f"{run_id}/{STEPS[0]}", "unmatched_source", f"{run_id}/{STEPS[1]}") in handed_on
    assert (f"{run_id}/{STEPS[1]}", "unmatched_source", f"{run_id}/{STEPS[2]}") in handed_on
    assert {event[2] for event in events if event[0] == "PRODUCED"} == {
        "matched",
        "unmatched_source",
        "unmatched_target",
    }


def test_what_is_defined_is_written_down_once(history: History) -> None:
    streams = history.folder.warehouse(
        "select stream, owner, failure_policy, retention_policy, definition from audit.reconciliation_streams"
    )
    assert len(streams) == 1, "no run changed it"
    stream, owner, policy, retention, definition = streams[0]
    assert (stream, policy, retention) == ("pos_oms_orders", "stop_on_failure", "2557 days")
    assert "@" in owner
    assert json.loads(definition)["ladders"]["pos_oms_orders"]["steps"] == ["by_order_id", "by_store_amount_time"]
    steps = history.folder.warehouse(
        "select model, position, is_critical, rule_text from audit.reconciliation_steps order by position"
    )
    assert [(model, position, critical) for model, position, critical, _ in steps] == [
        (model, number, True) for number, model in enumerate(STEPS, 1)
    ]
    assert json.loads(steps[0][3])["match"] == "one_to_one"


def test_a_killed_run_leaves_no_file_that_nobody_registered(history: History) -> None:
    folders = {path.name for path in (history.folder.root / "artifacts").glob("*/*/*")}
    assert history.runs["killed"] not in folders
    assert history.runs["replay"] not in folders
    assert history.runs["failed"] not in folders
    assert {history.runs[name] for name in ("first", "retried", "healed")} <= folders


def test_a_run_that_is_taken_up_again_is_another_attempt(data_dir: Path) -> None:
    """As Dagster does when a worker dies: the same run goes on, and what it had begun is closed first."""
    data = DataDir.at(data_dir)
    place = Place(data, "duckdb", replay=False)
    record = RunRecord("r1", "2026-03-02T06:00:00.000000Z", "2026-03-02T06:00:00.000000Z", "duckdb", replay=False)
    record.save(data)
    step = Step("sales", "sales", "by_id", "sales__by_id", 1, None, "{}", (), True)
    with open_ledger(place, write=True) as ledger:
        begin(ledger, data, record, [step], None)
        begin(ledger, data, record, [step], None)
        end(ledger, data, record, "SUCCEEDED", None)
        states = ledger.rows("select state, attempt from {schema}.reconciliation_runs order by sequence_number")
        steps = ledger.rows("select state, attempt from {schema}.reconciliation_step_runs order by sequence_number")
        assert verify(ledger, data, "duckdb").faults == []
    first = [("QUEUED", 1), ("RUNNING", 1), ("FAILED", 1)]
    assert states == [*first, ("QUEUED", 2), ("RUNNING", 2), ("SUCCEEDED", 2)]
    assert steps == [("QUEUED", 1), ("CANCELLED", 1), ("QUEUED", 2), ("CANCELLED", 2)]
