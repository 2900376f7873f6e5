"""A stream that names its orgs judges their records alone, in every table, and its books close."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.python.core_project import core_project
from tests.python.declarations.project import registry, write_registry
from tests.python.laws.harness import Folder, NewDatabase

MONDAY, TUESDAY = datetime(2026, 3, 2, 18, tzinfo=UTC), datetime(2026, 3, 3, 18, tzinfo=UTC)
STREAM = "pos_oms_orders"
SERVED, OTHER = "it's ours", "globex"

POS_HEADER = "order_id,store_id,status,currency,total,created_at,updated_at"
OMS_HEADER = "order_id,location_id,state,currency,order_total,placed_at,modified_at,revision"
AT = "2026-03-02T09:00:00Z,2026-03-02T09:01:00Z"
PLACED = "2026-03-02 09:00:00,2026-03-02 09:01:00,1"
# A match, a price that differs, a surplus copy, a conflict, an order that the other side lacks.
POS = [f"{order},S1,PAID,EUR,{total},{AT}" for order, total in [("A", "10.00"), ("B", "20.00"), ("C", "5.00")]]
POS += [POS[-1], f"D,S1,PAID,EUR,1.00,{AT}", f"D,S1,PAID,EUR,2.00,{AT}", f"E,S1,PAID,EUR,9.00,{AT}"]
OMS = [
    f"{order},S1,delivered,EUR,{amount},{PLACED}" for order, amount in [("A", "10.00"), ("B", "21.00"), ("C", "5.00")]
]
LATE = [f"E,S1,delivered,EUR,9.00,{PLACED}"]


def deliver(folder: Folder, feed: str, name: str, *lines: str) -> None:
    """Put the same file into the inbox of both orgs."""
    for org in (SERVED, OTHER):
        file = folder.root / "inbox" / org / feed / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def run(folder: Folder, as_of: datetime) -> None:
    """Run the command; the books must close."""
    done = folder.start(as_of)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


def verdicts(folder: Folder) -> list[tuple[str, str, str]]:
    """Org, result and anomalies of every result."""
    return sorted(folder.published("select org_id, result, anomalies from marts.reconciliation_results"))


@pytest.mark.parametrize("target", ["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_only_their_records_are_judged(target: str, tmp_path: Path, new_database: NewDatabase) -> None:
    project = core_project(tmp_path / "project")
    settings = registry(project)
    settings["vars"]["streams"][STREAM]["orgs"] = [SERVED]
    write_registry(project, settings)
    folder = Folder(tmp_path / "data", target, {**new_database(target), "TIEOUT_PROJECT_DIR": str(project)})

    deliver(folder, "pos/orders", "pos.csv", POS_HEADER, *POS)
    deliver(folder, "oms/orders", "oms.csv", OMS_HEADER, *OMS)
    deliver(folder, "tieout/policies", "policies.csv", "stream,price_abs_minor", f"{STREAM},1")
    deliver(folder, "tieout/policies", "everywhere.csv", "stream,price_abs_minor", ",2")
    deliver(
        folder,
        "tieout/resolution_rules",
        "rules.csv",
        "rule_id,stream,classification,strategy",
        f"r1,{STREAM},OK,MANUAL",
    )
    run(folder, MONDAY)
    ours = [
        ("AMBIGUOUS", "CONFLICT_POS"),
        ("AMBIGUOUS", "CONFLICT_POS"),
        ("DUPLICATE", "DUPLICATE_POS"),
        ("MATCHED", ""),
        ("MATCHED", ""),
        ("MISMATCHED", "PRICE_MISMATCH"),
        ("MISSING_TARGET", "MISSING_OMS"),
    ]
    assert verdicts(folder) == [(SERVED, *one) for one in ours]
    # What came of the other org is landed and in the canonical schema; of the ladder it is no part.
    assert folder.published("select distinct org_id from marts.exceptions") == [(SERVED,)]
    assert sorted(folder.published("select distinct org_id, balance from marts.control_totals where not holds")) == []
    balances = dict(
        folder.published(
            "select org_id, string_agg(distinct balance, ' ' order by balance) from marts.control_totals"
            " group by org_id"
        )
    )
    assert balances[SERVED].split() == ["conflicts", "duplicates", "handover", "ladder", "lines", "records", "versions"]
    assert balances[OTHER].split() == ["lines", "records", "versions"]
    assert folder.warehouse("select distinct org_id from canonical.policies where stream is not null") == [(SERVED,)]
    rejected = folder.published("select org_id, feed, reasons from marts.rejected_records order by feed")
    assert rejected == [
        (OTHER, "tieout/policies", "stream: serves_other_orgs"),
        (OTHER, "tieout/resolution_rules", "stream: serves_other_orgs"),
    ]

    deliver(folder, "oms/orders", "late.csv", OMS_HEADER, *LATE)
    run(folder, TUESDAY)
    ours[-1] = ("MATCHED", "")
    assert verdicts(folder) == sorted((SERVED, *one) for one in ours)
    held = f"select distinct org_id from reconciliation.{STREAM}__by_order_id"
    assert folder.warehouse(held) == [(SERVED,)]
