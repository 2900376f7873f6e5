"""Records wait for a delivery that is late, of its org alone, and only those that nothing since could have told of."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
import yaml

from orchestration.landing import land_inbox
from tests.python.core_project import core_project
from tests.python.laws.conftest import BOTH, MakeFolder
from tests.python.laws.harness import ExceptionKey, Folder, exceptions_ever, open_exceptions
from tests.python.oracle.deliveries import OMS, POLICIES, POS, Delivery
from tests.python.oracle.make import at, delivered, oms, policy, pos

EXPECTED = {"cron": "0 6 * * *", "grace": "2 hours", "early": "6 hours"}
# Whose OMS comes late on the third, and whose in time.
LATE, PROMPT = "d'or", "prompt"
YESTERDAY, MORNING, OVERDUE, CAME = at("03-02 07:00"), at("03-03 07:00"), at("03-03 09:00"), at("03-03 10:00")

# What the point of sale sold when; all have an hour.
SOLD = {
    "paired": "2026-03-02T04:00:00Z",
    "lost": "2026-03-02T05:00:00Z",
    "early": "2026-03-03T05:00:00Z",
    "told": "2026-03-03T06:50:00Z",
    "untold": "2026-03-03T06:50:00Z",
}


@pytest.fixture
def waiting_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The first stream's project, whose OMS is expected every morning."""
    project = core_project(tmp_path / "project")
    page = project / "models" / "staging" / "oms" / "_oms__sources.yml"
    said = yaml.safe_load(page.read_text(encoding="utf-8"))
    (orders,) = [table for table in said["sources"][0]["tables"] if table["name"] == "orders"]
    orders["config"]["meta"]["feed"]["expected"] = EXPECTED
    page.write_text(yaml.safe_dump(said), encoding="utf-8")
    monkeypatch.setenv("TIEOUT_PROJECT_DIR", str(project))
    return project


def sold(*orders: str) -> Delivery:
    return delivered(POS, MORNING, [pos(order, created_at=SOLD[order], updated_at=SOLD[order]) for order in orders])


def booked(*orders: str) -> Delivery:
    return delivered(OMS, MORNING, [oms(order, placed_at=SOLD[order], modified_at=SOLD[order]) for order in orders])


def verdicts(folder: Folder, org: str) -> dict[str, str]:
    """What is published of an org's sales, by order."""
    quoted = org.replace("'", "''")
    rows = folder.published(
        "select source_activity_id, result, coalesce(reason, anomalies) from marts.reconciliation_results"
        f" where org_id = '{quoted}'"
    )
    return {order: f"{result} {why}".strip() for order, result, why in rows}


def compiled(folder: Folder) -> str:
    """The query with which the last run judged what was left."""
    (file,) = (folder.root / ".dbt").rglob("compiled/**/pos_oms_orders__unmatched.sql")
    text = file.read_text(encoding="utf-8")
    return text.replace("is_feed_late", "").replace("FEED_LATE", "")


def nodes_of_last_build(folder: Folder) -> set[str]:
    """The names of the models that the last run built."""
    (file,) = (folder.root / ".dbt").rglob("run_results.json")
    found = (one["unique_id"] for one in json.loads(file.read_text(encoding="utf-8"))["results"])
    return {name.removeprefix("model.tieout.") for name in found if name.startswith("model.")}


def missed(exceptions: Mapping[str, Iterable[ExceptionKey]]) -> dict[str, set[str | None]]:
    """By org whose exceptions these are."""
    return {org: {source for _, _, source, _ in keys} for org, keys in exceptions.items()}


@pytest.mark.parametrize("target", BOTH)
def test_records_wait_for_a_late_delivery(make_folder: MakeFolder, waiting_project: Path, target: str) -> None:
    folder = make_folder(target)
    for org in (LATE, PROMPT):
        folder.put(org, Delivery(POLICIES, YESTERDAY, (policy(grace_minutes="60"),), ("stream", "grace_minutes")))
        folder.put(org, sold("paired", "lost"))
        folder.put(org, booked("paired"))
    assert land_inbox(folder.root, waiting_project, YESTERDAY).batches == 6
    for org in (LATE, PROMPT):
        folder.put(org, sold("early", "told", "untold"))
    folder.put(PROMPT, booked("early", "told"))

    # The delivery is due, and its own grace is not over.
    folder.run(MORNING)
    assert "late" not in compiled(folder), "where nothing is late, the query does not ask"
    before = {"paired": "MATCHED", "lost": "MISSING_TARGET MISSING_OMS"}
    assert verdicts(folder, LATE) == {
        **before,
        "early": "MISSING_TARGET MISSING_OMS",
        **dict.fromkeys(("told", "untold"), "PENDING IN_GRACE"),
    }
    assert missed(open_exceptions(folder)) == {LATE: {"lost", "early"}, PROMPT: {"lost"}}

    # It is late, and nothing else is new: what came due since the last one waits, and what that one did not tell of
    # stays a miss. Where it came in time, nobody waits.
    overdue = folder.run(OVERDUE)
    assert "late_since" in compiled(folder)
    built = nodes_of_last_build(folder)
    assert "pos_oms_orders__unmatched" in built
    assert "pos_oms_orders__by_order_id" not in built
    assert verdicts(folder, LATE) == {**before, **dict.fromkeys(("early", "told", "untold"), "PENDING FEED_LATE")}
    prompt = {**before, "early": "MATCHED", "told": "MATCHED", "untold": "MISSING_TARGET MISSING_OMS"}
    assert verdicts(folder, PROMPT) == prompt
    assert missed(open_exceptions(folder)) == {LATE: {"lost"}, PROMPT: {"lost", "untold"}}
    assert missed(exceptions_ever(folder))[LATE] == {"lost", "early"}, "nobody was troubled with what waits"

    # It has come: what it does not tell of is missing.
    folder.put(LATE, booked("early", "told"))
    folder.run(CAME)
    assert verdicts(folder, LATE) == verdicts(folder, PROMPT) == prompt
    assert missed(open_exceptions(folder)) == {org: {"lost", "untold"} for org in (LATE, PROMPT)}

    assert folder.run(OVERDUE).results_hash == overdue.results_hash
