"""A data folder of an earlier release goes on working."""

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
