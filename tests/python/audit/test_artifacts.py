"""Artifacts are listed, handed out, checked and purged, each org's for that org alone; an exception is traced back."""

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from orchestration.audit.artifacts import counts_of, retention_days, write_step
from orchestration.audit.definitions import Step
from orchestration.audit.keeping import purge
from orchestration.audit.ledger import open_ledger
from orchestration.audit.recorder import Taken, begin, end, end_steps, known
from orchestration.data_dir import DataDir
from orchestration.dbt_build import BuildOutcome, StepBuild
from orchestration.environment import Place
from orchestration.errors import UsageError
from orchestration.runs import RunRecord
from orchestration.warehouse import open_warehouse
from tests.python.audit.conftest import DAY_1, History, world
from tests.python.laws.conftest import BOTH
from tests.python.laws.harness import Folder, NewDatabase

# A manifest without anything in it.
EMPTY = {"nodes": {}, "groups": {}}


def test_a_file_comes_back_as_it_was_written_as_parquet_and_as_csv(history: History, tmp_path: Path) -> None:
    one = next(
        row
        for row in history.json("artifacts", "list", "--org", "acme", "--type", "matched", "--step", "by_order_id")
        if row["row_count"]
    )
    get = ("artifacts", "get", one["artifact_id"][:8], "--org", "acme", "--out")
    answer = history.json(*get, str(tmp_path / "a.parquet"))
    assert answer == {"artifact_id": one["artifact_id"], "file": str(tmp_path / "a.parquet"), "rows": one["row_count"]}
    assert (tmp_path / "a.parquet").read_bytes() == (history.folder.root / one["storage_path"]).read_bytes()
    history.json(*get, str(tmp_path / "a.csv"))
    with (tmp_path / "a.csv").open() as file:
        rows = list(csv.DictReader(file))
    parquet = duckdb.sql(f"select source_activity_id, source_amount_minor from '{tmp_path / 'a.parquet'}' order by 1")
    assert sorted((row["source_activity_id"], int(row["source_amount_minor"])) for row in rows) == parquet.fetchall()
    assert {row["org_id"] for row in rows} == {"acme"}


def test_another_orgs_artifact_is_refused_by_every_command(history: History, tmp_path: Path) -> None:
    theirs = history.json("artifacts", "list", "--org", "acme")
    assert {row["org_id"] for row in theirs} == {"acme"}
    assert history.json("artifacts", "list", "--org", "nobody") == []
    for command in (("artifacts", "get"), ("artifacts", "verify")):
        more = ("--out", str(tmp_path / "x")) if command[1] == "get" else ()
        done = history.tieout(*command, theirs[0]["artifact_id"], "--org", "bolt", *more)
        assert done.returncode == 2, command
        assert f"bolt has no artifact {theirs[0]['artifact_id']}" in done.stderr
        assert history.tieout(*command, theirs[0]["artifact_id"], *more).returncode == 2, "the org must be named"
    assert not (tmp_path / "x").exists()
    for org in ("../acme", ".", "", "a/b"):
        assert history.tieout("artifacts", "verify", theirs[0]["artifact_id"], "--org", org).returncode == 2
    ids = {row["artifact_id"] for row in theirs}
    assert ids.isdisjoint(row["artifact_id"] for row in history.json("artifacts", "list", "--org", "bolt"))
    exception = next(e for e in history.json("exceptions", "list", "--state", "all") if e["org_id"] == "acme")
    refused = history.tieout("trace", exception["exception_id"], "--org", "bolt")
    assert refused.returncode == 2
    assert "bolt has no exception" in refused.stderr


def test_an_exception_leads_to_file_row_rule_and_run(history: History) -> None:
    listed = history.json("exceptions", "list", "--org", "acme", "--anomaly", "PRICE_MISMATCH")
    one = next(row for row in listed if "acme-1-0" in row["explanation"])
    found = history.json("trace", one["exception_id"], "--org", "acme")
    assert found["result"]["result"] == "MISMATCHED"
    assert found["result"]["difference_minor"] == -5
    assert found["rule"]["rule_text"]["match"] == "one_to_one"
    assert found["rule"]["policy"]["price_abs_minor"] == 0
    assert found["judged"]["run_id"] == history.runs["first"]
    assert found["judged"]["start_reason"] == "the first day"
    source, target = found["records"]
    assert (source["feed"], source["row_number"]) == ("pos/orders", 1)
    assert source["delivered"]["order_id"] == "acme-1-0"
    assert source["delivered"]["total"] == "10.00"
    assert (target["feed"], target["delivered"]["order_total"]) == ("oms/orders", "10.05")
    assert len(source["content_sha256"]) == 64
    (file,) = found["artifacts"]
    held = duckdb.sql(f"from '{history.folder.root / file['storage_path']}'").project("source_activity_id").fetchall()
    assert (file["artifact_type"], ("acme-1-0",) in held) == ("matched", True)
    assert [event["event"] for event in found["runs"]] == ["OPENED"]
    words = history.tieout("trace", one["exception_id"]).stdout
    for text in ("acme-1-0", "The rule of that day", "abs(source - target)", history.runs["first"], "10.05"):
        assert text in words


@pytest.mark.parametrize("target", BOTH)
def test_purging_obeys_retention_and_leaves_the_record(
    new_database: NewDatabase, tmp_path: Path, project: Path, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {"TIEOUT_PROJECT_DIR": str(project), "TIEOUT_ACTOR": "ann", **new_database(target)}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "data").mkdir()
    one = History(Folder(tmp_path / "data", target, environment))
    world(one.folder, 1)
    one.folder.run(DAY_1)
    before = one.json("artifacts", "list", "--org", "acme")
    assert "Purged 0 artifacts" in one.tieout("artifacts", "purge").stdout
    ahead = (datetime.now(UTC) + timedelta(days=9000)).strftime("%Y-%m-%d")
    assert one.tieout("artifacts", "purge", "--as-of", ahead).returncode == 2, "the future is not now"

    data = DataDir.at(one.folder.root)
    with open_ledger(Place(data, target, replay=False), write=True) as ledger:
        later = datetime.now(UTC) + timedelta(days=2558)
        assert len(purge(ledger, data, "acme", later, "why", dry_run=True)) == len(before)
        assert all((one.folder.root / row["storage_path"]).is_file() for row in before)
        assert purge(ledger, data, "acme", datetime.now(UTC) + timedelta(days=2556), "why", dry_run=True) == []
        assert len(purge(ledger, data, "acme", later, "asked by the auditor", dry_run=False)) == len(before)
        assert purge(ledger, data, "acme", later, "again", dry_run=False) == []
    after = one.json("artifacts", "list", "--org", "acme")
    assert [row["artifact_id"] for row in after] == [row["artifact_id"] for row in before]
    assert all(row["is_purged"] for row in after)
    assert not any((one.folder.root / row["storage_path"]).exists() for row in before)
    assert all(not row["is_purged"] for row in one.json("artifacts", "list", "--org", "bolt"))
    events = one.folder.warehouse(
        "select actor, event_reason from audit.reconciliation_lineage_events where event_type = 'PURGED'"
    )
    assert set(events) == {("ann", "asked by the auditor")}
    proof = one.json("audit", "verify")
    assert (proof["verified"], proof["purged"]) == (True, len(before))
    gone = one.tieout("artifacts", "get", before[0]["artifact_id"], "--org", "acme", "--out", str(tmp_path / "x"))
    assert gone.returncode == 1
    assert "was purged" in gone.stderr
    assert json.loads(one.tieout("artifacts", "verify", "--org", "acme", "--json").stdout)["artifacts"] == 0


@pytest.mark.parametrize(("text", "days"), [("forever", None), ("1 day", 1), ("2557 days", 2557)])
def test_retention_is_said_in_days_or_for_ever(text: str, days: int | None) -> None:
    assert retention_days(text) == days


@pytest.mark.parametrize("text", ["7 years", "0 days", "-1 days", "days", "", "1.5 days", "99999 days"])
def test_another_retention_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="retention"):
        retention_days(text)


def test_what_dbt_judged_by_itself_goes_into_the_next_runs_file(data_dir: Path) -> None:
    """Of a build by `dbt build` the audit knows nothing; its verdicts stand in the steps all the same, and are filed
    once."""
    data = DataDir.at(data_dir)
    place = Place(data, "duckdb", replay=False)
    step = Step("sales", "sales", "by_id", "sales__by_id", 1, None, "{}", (), True)
    moment = "2026-03-02T06:00:00.000000Z"

    def run(name: str, judged: dict[str, str]) -> list[tuple[str, tuple[str, ...], int]]:
        """A run that finds these records judged by these builds: kind, builds and rows of each file that it writes."""
        with duckdb.connect(str(data.warehouse)) as connection:
            connection.execute("create schema if not exists reconciliation")
            connection.execute(
                "create or replace table reconciliation.sales__by_id (org_id text, outcome text, side text,"
                " source_activity_id text, anomalies text, judged_run_id text)"
            )
            for record, build in judged.items():
                connection.execute(
                    "insert into reconciliation.sales__by_id values ('acme', 'PAIR', null, ?, '', ?)", [record, build]
                )
        record = RunRecord(name, moment, moment, "duckdb", replay=False)
        record.save(data)
        outcome = BuildOutcome(1, 0, 0, [], {step.model: StepBuild(step.model, "success", None, None, "")})
        with open_ledger(place, write=True) as ledger:
            begin(ledger, data, record, [step], None)
        with open_warehouse(place, data.root / ".tmp") as warehouse:
            counts = counts_of(warehouse, step, name)
            files = known(warehouse)
            written = list(
                write_step(
                    data,
                    warehouse,
                    step,
                    counts,
                    name,
                    target="duckdb",
                    noted=files.noted.get(step.model, set()),
                    last_hashes=files.last_hashes.get(step.model, {}),
                    retention="forever",
                )
            )
        with open_ledger(place, write=True) as ledger:
            end_steps(ledger, record, outcome, Taken({}, EMPTY, [step], {step.model: counts}, written), {})
            end(ledger, data, record, "SUCCEEDED", None)
        return [(file.artifact_type, file.judged_run_ids, file.row_count) for file in written if file.row_count]

    assert run("r1", {"o1": "r1"}) == [("matched", ("r1",), 1)]
    by_hand = {"o1": "r1", "o2": "by-hand", "o3": "by-hand"}
    assert run("r2", {**by_hand, "o4": "r2"}) == [("matched", ("by-hand", "r2"), 3)]
    assert run("r3", {**by_hand, "o4": "r2"}) == []
