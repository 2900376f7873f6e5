"""A data folder of an earlier release goes on working."""

import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from tests.python.core_project import core_project
from tests.python.laws.harness import Folder

DAY_1, DAY_2 = datetime(2026, 3, 2, 12, tzinfo=UTC), datetime(2026, 3, 3, 12, tzinfo=UTC)
POS = "order_id,store_id,status,currency,total,created_at,updated_at\n"
OMS = "order_id,location_id,state,currency,order_total,placed_at,modified_at,revision\n"


def deliver(folder: Folder, day: str, *orders: str) -> None:
    """A file of each system with the same orders."""
    at = f"2026-03-{day}T09:00:00Z"
    for feed, header, status, revision in (("pos/orders", POS, "PAID", ""), ("oms/orders", OMS, "shipped", ",1")):
        path = folder.root / "inbox" / "acme" / feed / f"{day}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [f"{order},S1,{status},EUR,10.00,{at},{at}{revision}\n" for order in orders]
        path.write_text(header + "".join(rows), encoding="utf-8")


def test_a_view_of_the_landed_batches_becomes_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was a view once; `create or replace table` alone does not replace one."""
    monkeypatch.setenv("TIEOUT_PROJECT_DIR", str(core_project(tmp_path / "project")))
    folder = Folder(tmp_path / "data", "duckdb", {})
    deliver(folder, "02", "A1", "A2")
    assert folder.run(DAY_1).summary["landed"]["batches"] == 2
    with duckdb.connect(str(folder.root / "warehouse.duckdb")) as warehouse:
        warehouse.execute("create table landing.batches_of_then as from landing.batches")
        warehouse.execute("drop table landing.batches")
        warehouse.execute("create view landing.batches as from landing.batches_of_then")

    deliver(folder, "03", "A3")
    folder.run(DAY_2)
    assert folder.warehouse("select count(*), count(distinct received_at) from landing.batches") == [(4, 2)]
    found = folder.published("select source_activity_id, result from marts.reconciliation_results order by 1")
    assert found == [("A1", "MATCHED"), ("A2", "MATCHED"), ("A3", "MATCHED")]


def test_a_log_that_knows_no_rules_learns_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log is never built anew, so that its new columns come while it is read."""
    monkeypatch.setenv("TIEOUT_PROJECT_DIR", str(core_project(tmp_path / "project")))
    folder = Folder(tmp_path / "data", "duckdb", {})
    deliver(folder, "02", "A1")
    oms = folder.root / "inbox" / "acme" / "oms" / "orders" / "02.csv"
    oms.write_text(oms.read_text(encoding="utf-8").replace("10.00", "10.40"), encoding="utf-8")
    folder.run(DAY_1)
    with duckdb.connect(str(folder.root / "warehouse.duckdb")) as warehouse:
        for column in ("rule_id", "strategy", "absorbed_minor", "absorbed_currency"):
            warehouse.execute(f"alter table audit.exception_log drop column {column}")
    for file in (folder.root / "runs").glob("*.json"):
        record = json.loads(file.read_text(encoding="utf-8"))
        file.write_text(json.dumps({**record, "code_version": "of then"}), encoding="utf-8")

    rules = folder.root / "inbox" / "acme" / "tieout" / "resolution_rules" / "rules.csv"
    rules.parent.mkdir(parents=True)
    rules.write_text(
        "rule_id,anomaly,below_minor,classification,strategy,budget_minor\nsmall,PRICE_MISMATCH,100,OK,AUTO,100\n",
        encoding="utf-8",
    )
    folder.run(DAY_2)
    events = folder.warehouse("select event, rule_id, absorbed_minor from audit.exception_log order by event_number")
    assert events == [("OPENED", None, None), ("AUTO_WRITTEN_OFF", "small", 40)]
    assert folder.published("select state, resolution from marts.exceptions") == [("RESOLVED", "WRITTEN_OFF")]
