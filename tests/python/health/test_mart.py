"""`marts.health_metrics` on both engines, against numbers counted by hand."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestration.audit.ledger import open_ledger
from orchestration.audit.tables import RUNS, STEP_RUNS
from orchestration.data_dir import DataDir
from orchestration.environment import Place
from orchestration.health.facts import VARIABLE
from orchestration.warehouse import open_warehouse
from tests.python import small_project

# Times of tables are UTC without a zone.
NOW = datetime(2026, 3, 10, 6, tzinfo=UTC).replace(tzinfo=None)
FACTS = {
    "late_feeds": {"acme": [2, 7200], "o'dd": [1, 60]},
    "verified": {"artifacts": 83, "artifact_faults": 1, "artifact_verification_age": 3600},
}

Key = tuple[str | None, str | None, str, str]


def results() -> list[tuple[str, str, str, str, str, datetime, datetime]]:
    """Org, stream, result, anomalies, business date, event and receipt."""
    acme = [
        ("MATCHED", "", "2026-03-09", NOW - timedelta(minutes=minutes, seconds=30), NOW) for minutes in range(1, 21)
    ]
    early = NOW - timedelta(days=5)
    old = NOW - timedelta(days=37)
    acme += [
        ("MATCHED", "", "2026-02-20", early - timedelta(days=1), early),
        ("MATCHED", "", "2026-01-01", old - timedelta(days=9), old),
        *[("MISSING_TARGET", "MISSING_OMS", "2026-03-09", NOW, NOW)] * 2,
        ("MISSING_SOURCE", "MISSING_POS", "2026-02-20", NOW, NOW),
        ("AMBIGUOUS", "AMBIGUOUS", "2026-03-09", NOW, NOW),
        ("PENDING", "", "2026-03-09", NOW, NOW),
        ("DUPLICATE", "DUPLICATE_POS", "2026-03-09", NOW, NOW),
        # The clock of the shop runs ahead.
        ("MISMATCHED", "PRICE_MISMATCH", "2026-03-09", NOW + timedelta(minutes=5), NOW),
    ]
    bolt = [("MATCHED", "", "2026-03-09", NOW + timedelta(minutes=5), NOW)]
    return [(org, "sales", *row) for org, rows in (("acme", acme), ("bolt", bolt)) for row in rows]


def stub(columns: list[str], rows: list[str]) -> str:
    return "select * from (values\n" + ",\n".join(rows) + f"\n) as given ({', '.join(columns)})\n"


def write_project(project: Path) -> None:
    small_project.lay_out(project, "marts")
    models = project / "models" / "marts"
    models.mkdir()
    for mart in ("reconciliation_summary", "health_metrics"):
        (models / f"{mart}.sql").write_bytes((small_project.ROOT / "models" / "marts" / f"{mart}.sql").read_bytes())
    names = ["org_id", "stream", "result", "anomalies", "business_date", "source_event_at", "last_received_at"]
    others = ["counterparty_id", "source_currency", "target_currency", "is_late"]
    amounts = ["source_amount_minor", "target_amount_minor", "difference_minor"]
    rows = [
        f"('{org}', '{stream}', '{result}', '{anomalies}', date '{day}', timestamp '{event}', timestamp '{received}',"
        " 'S1', 'EUR', 'EUR', false, 1, 1, 0)"
        for org, stream, result, anomalies, day, event, received in results()
    ]
    (models / "reconciliation_results.sql").write_text(stub([*names, *others, *amounts], rows))
    ageing = ["('acme', 'sales', 2, 1)", "('acme', 'sales', 1, 0)", "('acme', 'gone', 1, 0)"]
    columns = ["org_id", "stream", "open_count", "overdue_count"]
    (models / "exception_ageing.sql").write_text(stub(columns, ageing))


def keep_books(place: Place) -> None:
    """Runs that ended well and badly, one of them each: replayed, long ago, of this very clock, and still under way."""

    def run(name: str, as_of: datetime, state: str, seconds: int = 0, **more: Any) -> dict[str, Any]:
        times = {"started_at": NOW, "ended_at": NOW + timedelta(seconds=seconds) if seconds else None}
        return {"run_id": name, "state": state, "as_of": as_of, "is_replay": False, **times, **more}

    def step(run_id: str, model: str, seconds: int | None) -> dict[str, Any]:
        times = {"started_at": NOW, "ended_at": NOW + timedelta(seconds=seconds)} if seconds else {"ended_at": NOW}
        state = "SUCCEEDED" if seconds else "SKIPPED"
        return {"step_run_id": f"{run_id}/{model}", "run_id": run_id, "stream": "sales", "state": state, **times}

    def day(number: int) -> datetime:
        return NOW + timedelta(days=number - 10)

    runs = [
        run("r7", NOW - timedelta(days=60), "SUCCEEDED", 99),
        run("r1", day(1), "RUNNING"),
        run("r1", day(1), "SUCCEEDED", 10),
        run("r2", day(2), "FAILED", 5),
        run("r6", day(4), "SUCCEEDED", 50, is_replay=True),
        run("r3", day(8), "SUCCEEDED", 20),
        run("r8", day(9), "CANCELLED", 3),
        run("r4", day(9), "FAILED"),
        run("other", day(9), "SUCCEEDED", 1, stream="another"),
        run("r9", day(9), "RUNNING"),
        run("r5", day(10), "SUCCEEDED", 40),
    ]
    steps = [
        {**step("r1", "a", 1), "state": "RUNNING", "ended_at": None},
        *(step("r1", "a", 1), step("r1", "b", 3), step("r2", "a", None), step("r3", "a", 6), step("r3", "b", None)),
        *(step("r4", "a", 1), step("r5", "a", 30), step("r6", "a", 30), step("r9", "a", 2)),
    ]
    with open_ledger(place, write=True) as ledger:
        ledger.append({RUNS: runs, STEP_RUNS: steps})


def build(project: Path, place: Place, **variables: str) -> dict[Key, tuple[str, int]]:
    """Run dbt alone, and read the mart: unit and value by org, stream, metric and window."""
    settings = {**place.variables("this", NOW.replace(tzinfo=UTC)), **variables}
    small_project.build(project, place.target, settings)
    with open_warehouse(place, project / "tmp") as warehouse:
        rows = warehouse.rows(
            "select org_id, stream, metric, time_window, unit, metric_value from"
            f" {warehouse.relation('marts', 'health_metrics')}"
        )
    found = {(org, stream, metric, window): (unit, value) for org, stream, metric, window, unit, value in rows}
    assert len(found) == len(rows), "the grain is org, stream, metric and window"
    return found


OF_RESULTS: dict[Key, tuple[str, int]] = {
    ("acme", "sales", "unmatched_results", "now"): ("count", 3),
    ("acme", "sales", "ambiguous_results", "now"): ("count", 1),
    ("acme", "sales", "pending_results", "now"): ("count", 1),
    ("bolt", "sales", "unmatched_results", "now"): ("count", 0),
    ("acme", "sales", "judged_results", "all"): ("count", 27),
    ("acme", "sales", "judged_results", "30 days"): ("count", 26),
    ("acme", "sales", "judged_results", "7 days"): ("count", 24),
    ("acme", "sales", "anomaly_rate", "all"): ("ppm", 185185),
    ("acme", "sales", "anomaly_rate", "30 days"): ("ppm", 192307),
    ("acme", "sales", "anomaly_rate", "7 days"): ("ppm", 166666),
    ("acme", "sales", "open_exceptions", "now"): ("count", 3),
    ("acme", "sales", "overdue_exceptions", "now"): ("count", 1),
    ("acme", "gone", "open_exceptions", "now"): ("count", 1),
    ("bolt", "sales", "open_exceptions", "now"): ("count", 0),
    ("acme", "sales", "reconciliation_lag_p50", "1 day"): ("seconds", 600),
    ("acme", "sales", "reconciliation_lag_p95", "1 day"): ("seconds", 1140),
    ("acme", "sales", "reconciliation_lag_p50", "7 days"): ("seconds", 600),
    ("acme", "sales", "reconciliation_lag_p95", "7 days"): ("seconds", 1200),
    ("bolt", "sales", "reconciliation_lag_p95", "1 day"): ("seconds", 0),
}
OF_RUNS: dict[Key, tuple[str, int]] = {
    (None, None, "runs", "30 days"): ("count", 6),
    (None, None, "runs", "7 days"): ("count", 4),
    (None, None, "failed_runs", "30 days"): ("count", 2),
    (None, None, "run_success_rate", "30 days"): ("ppm", 600_000),
    (None, None, "run_success_rate", "7 days"): ("ppm", 666_666),
    (None, None, "run_duration_p50", "30 days"): ("milliseconds", 10_000),
    (None, None, "run_duration_p95", "30 days"): ("milliseconds", 20_000),
    (None, None, "retry_recovery_rate", "30 days"): ("ppm", 500_000),
    (None, None, "retry_recovery_rate", "7 days"): ("ppm", 0),
    (None, "sales", "runs", "30 days"): ("count", 3),
    (None, "sales", "failed_runs", "30 days"): ("count", 1),
    (None, "sales", "run_success_rate", "30 days"): ("ppm", 666_666),
    (None, "sales", "run_success_rate", "7 days"): ("ppm", 500_000),
    (None, "sales", "run_duration_p50", "30 days"): ("milliseconds", 4_000),
    (None, "sales", "run_duration_p95", "30 days"): ("milliseconds", 6_000),
    (None, "sales", "run_duration_p50", "7 days"): ("milliseconds", 6_000),
}
TOLD: dict[Key, tuple[str, int]] = {
    ("acme", None, "late_feeds", "now"): ("count", 2),
    ("acme", None, "late_feed_delay", "now"): ("seconds", 7200),
    ("bolt", None, "late_feeds", "now"): ("count", 0),
    ("o'dd", None, "late_feeds", "now"): ("count", 1),
    (None, None, "artifacts", "now"): ("count", 83),
    (None, None, "artifact_faults", "now"): ("count", 1),
    (None, None, "artifact_verification_age", "now"): ("seconds", 3600),
}


@pytest.mark.parametrize("target", ["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_the_numbers_are_those_counted_by_hand(
    target: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if target == "postgres":
        request.getfixturevalue("postgres_database")
    project = tmp_path / "project"
    write_project(project)
    place = Place(DataDir.at(tmp_path / "data"), target, replay=False)
    if target == "duckdb":
        # dbt by itself: there are no books, and nobody tells it anything.
        alone = build(project, place)
        assert {key: alone.get(key) for key in OF_RESULTS} == OF_RESULTS
        assert not {key for key in alone if key[2].startswith(("run", "failed", "retry", "late", "artifact"))}
    keep_books(place)
    wanted = {**OF_RESULTS, **OF_RUNS, **TOLD}
    found = build(project, place, **{VARIABLE: json.dumps(FACTS)})
    assert {key: found.get(key) for key in wanted} == wanted
