"""The file for Prometheus, the dashboard that reads it and the page that explains it."""

import json
import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from orchestration.health import metrics, verified, write_metrics
from orchestration.health.past_runs import percentile
from orchestration.runs import State
from tests.python.health.conftest import NOW, Past

ROOT = Path(__file__).resolve().parents[3]
DASHBOARD = ROOT / "deploy" / "grafana" / "tieout.json"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def read(file: Path) -> dict[str, dict[frozenset[tuple[str, str]], float]]:
    """A metric's samples by their labels, as Prometheus' own parser reads them."""
    return {
        family.name: {frozenset(sample.labels.items()): sample.value for sample in family.samples}
        for family in text_string_to_metric_families(file.read_text(encoding="utf-8"))
    }


def labels(**given: str) -> frozenset[tuple[str, str]]:
    return frozenset(given.items())


def test_a_folder_in_which_nothing_has_happened_has_numbers_too(past: Past) -> None:
    file = write_metrics(past.data, past.project, "duckdb", NOW)
    assert file == past.data.root / "health" / "tieout.prom"
    found = read(file)
    assert set(found) == set(metrics.METRICS)
    assert found["tieout_runs"] == {labels(state=state): 0 for state in ("closed", "failed", "cancelled")}
    assert found["tieout_metrics_written_timestamp_seconds"] == {labels(): NOW.timestamp()}
    assert found["tieout_data_size_bytes"][labels()] >= found["tieout_data_free_bytes"][labels()] > 0
    for unknown in ("tieout_unmatched_results", "tieout_run_success_ratio", "tieout_last_run_failed"):
        assert found[unknown] == {}


def test_what_became_of_runs_is_told_by_their_records(past: Past) -> None:
    past.run(40 * DAY, State.CLOSED)
    past.run(5 * DAY, State.CLOSED, 10)
    past.run(4 * DAY, State.FAILED)
    past.run(3 * DAY, State.CLOSED, 30)
    past.run(3 * DAY, State.CLOSED, 30, replay=True)
    past.run(3 * DAY, State.CLOSED, 30, target="postgres")
    past.run(2 * DAY, State.CANCELLED)
    # It was killed: a later one runs, and nobody says of it how it ended.
    past.run(DAY, State.RUNNING)
    last = past.run(HOUR, State.CLOSED, 20, requested={"stream": "others"}, stream="others")
    past.run(timedelta(), State.RUNNING)
    found = read(write_metrics(past.data, past.project, "duckdb", NOW))
    assert found["tieout_runs"] == {labels(state="closed"): 3, labels(state="failed"): 2, labels(state="cancelled"): 1}
    assert found["tieout_run_duration_seconds"] == {labels(quantile="0.5"): 20, labels(quantile="0.95"): 30}
    assert found["tieout_run_success_ratio"] == {labels(): 3 / 5}
    # The crash is not made up for by a run of another scope.
    assert found["tieout_retry_recovery_ratio"] == {labels(): 1 / 2}
    assert found["tieout_last_run_failed"] == {labels(): 0}
    assert found["tieout_stream_last_success_timestamp_seconds"] == {
        labels(stream="sales"): (NOW - 3 * DAY).timestamp() + 30
    }
    assert found["tieout_last_run_timestamp_seconds"][labels(state="closed")] == (NOW - HOUR).timestamp() + 20
    assert found["tieout_published_as_of_timestamp_seconds"] == {labels(): (NOW - HOUR).timestamp()}
    assert last.published


def test_a_failed_run_is_seen_though_nothing_was_published(past: Past) -> None:
    past.run(2 * HOUR, State.CLOSED)
    past.run(HOUR, State.FAILED)
    found = read(write_metrics(past.data, past.project, "duckdb", NOW))
    assert found["tieout_last_run_failed"] == {labels(): 1}
    assert found["tieout_retry_recovery_ratio"] == {labels(): 0}


def test_a_try_that_a_run_made_again_is_an_attempt_that_failed(past: Past) -> None:
    """As the mart counts, whose tries are rows of the audit."""
    past.run(3 * HOUR, State.CLOSED, retries=[{"part": "load"}, {"part": "dbt"}])
    past.run(2 * HOUR, State.FAILED, retries=[{"part": "dbt"}])
    found = read(write_metrics(past.data, past.project, "duckdb", NOW))
    assert found["tieout_run_success_ratio"] == {labels(): 1 / 2}
    assert found["tieout_retry_recovery_ratio"] == {labels(): 2 / 4}
    past.run(HOUR, State.CLOSED)
    found = read(write_metrics(past.data, past.project, "duckdb", NOW))
    assert found["tieout_retry_recovery_ratio"] == {labels(): 1}


def test_what_was_reconciled_is_told_by_the_published_copy_in_base_units(past: Past) -> None:
    odd = 'a"c\\me\n'
    past.publish(
        (odd, "sales", "unmatched_results", "now", "count", 7),
        ("acme", "sales", "anomaly_rate", "7 days", "ppm", 125_000),
        ("acme", "sales", "reconciliation_lag_p95", "1 day", "seconds", 90),
        (None, "sales", "run_duration_p50", "30 days", "milliseconds", 1_500),
        (None, "sales", "run_duration_p50", "7 days", "milliseconds", 9_999),
        (None, None, "run_duration_p50", "30 days", "milliseconds", 8_888),
        (None, "sales", "run_success_rate", "30 days", "ppm", 500_000),
        ("acme", None, "late_feeds", "now", "count", 9),
        ("acme", "sales", "of_a_later_version", "now", "count", 1),
    )
    found = read(write_metrics(past.data, past.project, "duckdb", NOW))
    assert found["tieout_unmatched_results"] == {labels(org=odd, stream="sales"): 7}
    assert found["tieout_anomaly_ratio"] == {labels(org="acme", stream="sales", window="7d"): 0.125}
    assert found["tieout_reconciliation_lag_seconds"] == {
        labels(org="acme", stream="sales", window="1d", quantile="0.95"): 90
    }
    assert found["tieout_stream_duration_seconds"] == {labels(stream="sales", quantile="0.5"): 1.5}
    assert found["tieout_stream_success_ratio"] == {labels(stream="sales"): 0.5}
    # What is late is asked anew: the copy may be old.
    assert found["tieout_late_feeds"] == {}


def test_late_feeds_and_waiting_files_are_counted(past: Past) -> None:
    past.expect(cron="0 6 * * *", grace="15 minutes", early="6 hours")
    past.land(NOW - DAY, "acme")
    past.land(NOW - timedelta(minutes=40), "bolt")
    (past.data.inbox / "acme" / "pos" / "orders" / "new.csv").write_text("x")
    (past.data.inbox / "acme" / "pos" / "orders" / ".new.csv.part").write_text("x")
    failed = past.data.root / "failed" / "acme" / "pos" / "orders"
    failed.mkdir(parents=True)
    for name in ("old.csv", "old.csv.reason.txt", "dealt_with.csv.reason.txt"):
        (failed / name).write_text("x")
    # Whoever delivers names folders as they like; Prometheus reads text.
    odd = Path(os.fsdecode(os.fsencode(failed.parents[2]) + b'/a"\xe9\n/pos/orders'))
    odd.mkdir(parents=True)
    for name in ("old.csv", "old.csv.reason.txt"):
        (odd / name).write_text("x")
    found = read(write_metrics(past.data, past.project, "duckdb", NOW))
    assert found["tieout_late_feeds"] == {labels(org="acme"): 1, labels(org="bolt"): 0}
    assert found["tieout_late_feed_seconds"] == {labels(org="acme", feed="pos/orders"): 1800}
    assert found["tieout_inbox_files"] == {labels(): 1}
    assert found["tieout_failed_files"] == {
        labels(org="acme", feed="pos/orders"): 1,
        labels(org='a"\\xe9\n', feed="pos/orders"): 1,
    }


def test_the_proof_of_the_audit_is_told(past: Past) -> None:
    verified.note(past.data, "duckdb", verified.Verified(NOW - DAY, 380, 83, 2, 3))
    verified.note(past.data, "postgres", verified.Verified(NOW, 1, 1, 0, 0))
    found = read(write_metrics(past.data, past.project, "duckdb", NOW))
    assert found["tieout_audit_holds"] == {labels(): 0}
    assert found["tieout_artifacts"] == {labels(): 83}
    assert found["tieout_artifacts_broken"] == {labels(): 2}
    assert found["tieout_audit_verified_timestamp_seconds"] == {labels(): (NOW - DAY).timestamp()}


def test_a_file_that_cannot_be_written_leaves_the_one_before(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_metrics(past.data, past.project, "duckdb", NOW)
    before = file.read_bytes()

    def full(self: Path, content: bytes) -> int:
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        write_metrics(past.data, past.project, "duckdb", NOW + DAY)
    assert file.read_bytes() == before
    assert [one.name for one in file.parent.iterdir()] == [file.name]


def test_trouble_at_a_runs_end_is_swallowed(past: Past, tmp_path: Path) -> None:
    metrics.write_after_run(tmp_path / "nothing", "duckdb")
    assert not (tmp_path / "nothing").exists()
    past.run(HOUR, State.CLOSED)
    (past.data.root / "health").write_text("not a folder")
    metrics.write_after_run(past.data.root, "duckdb")
    (past.data.runs / "broken.json").write_text("{")
    metrics.write_after_run(past.data.root, "duckdb")


def test_percentiles_are_values_that_came() -> None:
    assert percentile([], 50) is None
    assert percentile([3], 95) == 3
    assert [percentile(range(1, 21), share) for share in (50, 95, 100)] == [10, 19, 20]


def dashboard() -> dict[str, Any]:
    return json.loads(DASHBOARD.read_text(encoding="utf-8"))


def queries() -> list[str]:
    board = dashboard()
    asked = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    return asked + [variable["definition"] for variable in board["templating"]["list"] if "definition" in variable]


def test_the_dashboard_asks_for_what_is_written_and_for_labels_that_it_has() -> None:
    asked = set()
    for query in queries():
        names = re.findall(r"\btieout_\w+", query)
        asked.update(names)
        assert set(names) <= set(metrics.METRICS), query
        known = {label for name in names for label in metrics.METRICS[name][1]}
        used = set(re.findall(r"(\w+)=~?\"", query))
        for group in re.findall(r"by \(([^)]*)\)", query):
            used |= {label.strip() for label in group.split(",")}
        assert used <= known, query
    assert asked == set(metrics.METRICS), "a number that nobody sees"


def test_the_dashboard_can_be_imported() -> None:
    board = dashboard()
    assert board["schemaVersion"] >= 36
    assert board["id"] is None
    assert {"title", "uid", "time", "templating", "panels"} <= set(board)
    variables = {variable["name"]: variable for variable in board["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert {"org", "stream"} <= set(variables)
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24, panel["title"]
        assert not cells & taken, f"{panel['title']} lies over another panel"
        taken |= cells
        if panel["type"] != "row":
            assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            assert panel["targets"]
            assert panel["description"]


def test_every_number_is_explained() -> None:
    page = (ROOT / "docs" / "health.md").read_text(encoding="utf-8")
    unsaid = [name for name in metrics.METRICS if f"`{name}`" not in page]
    assert not unsaid
    told = set(re.findall(r"`(tieout_[a-z_]+)`", page))
    assert told <= set(metrics.METRICS)
