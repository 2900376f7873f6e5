"""What people do on Dagster's pages: see the lineage, start a run, find the law that failed and a feed that is late."""

import json
import time
import urllib.request
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.python.browser.conftest import Served, picture

LOCATION = "orchestration.definitions"
RUN_WITHIN, LATE_WITHIN = 240, 300  # seconds
RUNS = "{ runsOrError { ... on Runs { results { runId status jobName } } } }"
FRESHNESS = """{ assetNodeOrError(assetKey: {path: ["pos", "orders"]}) {
    ... on AssetNode { freshnessStatusInfo { freshnessStatus } } } }"""
LAW = "law_that_tests_can_break"

pytestmark = pytest.mark.xdist_group("dagster page")


def asked(served: Served, query: str) -> Any:
    """What Dagster answers to the question that its own page would ask."""
    request = urllib.request.Request(
        f"{served.url}/graphql", json.dumps({"query": query}).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())["data"]


def launched(served: Served, page: Page, status: str) -> str:
    """Start a whole run from the page of its job, as people do, and wait for how it ends; returns its id."""
    before = {run["runId"] for run in asked(served, RUNS)["runsOrError"]["results"]}
    page.goto(f"{served.url}/locations/{LOCATION}/jobs/tieout")
    page.locator("button", has_text="Materialize all").click()
    ends = time.monotonic() + RUN_WITHIN
    while time.monotonic() < ends:
        mine = [run for run in asked(served, RUNS)["runsOrError"]["results"] if run["runId"] not in before]
        mine = [run for run in mine if run["jobName"] == "tieout"]
        if mine and mine[-1]["status"] in ("SUCCESS", "FAILURE", "CANCELED"):
            assert mine[-1]["status"] == status
            return str(mine[-1]["runId"])
        time.sleep(1)
    raise AssertionError(f"the run did not end within {RUN_WITHIN} seconds")


def test_the_lineage_is_there(served: Served, page: Page) -> None:
    page.goto(f"{served.url}/asset-groups")
    for group in ("landing", "marts", "published"):
        expect(page.get_by_text(group, exact=True).first).to_be_visible()
    picture(page, "lineage")
    page.goto(f"{served.url}/assets/pos/orders?view=overview")
    expect(page.get_by_text("orders").first).to_be_visible()
    picture(page, "feed")


def test_a_run_started_from_the_page_succeeds(served: Served, page: Page) -> None:
    served.deliver("one.csv", "A1:100", "A2:250")
    run_id = launched(served, page, "SUCCESS")
    page.goto(f"{served.url}/runs/{run_id}")
    expect(page.get_by_text("Success", exact=True).first).to_be_visible()
    picture(page, "run")
    assert (served.data / "published" / "tieout.duckdb").is_file()


def test_a_law_that_failed_is_a_failed_check(served: Served, page: Page) -> None:
    law = served.project / "tests" / "laws" / f"{LAW}.sql"
    holds = law.read_text()
    version = (served.data / "published").readlink()
    law.write_text(holds.replace('"holds")', '"broken")').replace('else "holds"', 'else "broken"'))
    served.deliver("two.csv", "A3:100")
    try:
        launched(served, page, "FAILURE")
    finally:
        law.write_text(holds)
    page.goto(f"{served.url}/assets/marts/reconciliation_results?view=checks")
    expect(page.get_by_text(LAW).first).to_be_visible()
    expect(page.get_by_text("Failed", exact=True).first).to_be_visible()
    picture(page, "check")
    (record,) = (record for record in served.records() if record["state"] == "FAILED")
    assert record["failure"]["failure_class"] == "LAW"
    assert (served.data / "published").readlink() == version, "readers see what they saw before"


def test_a_feed_that_is_late_is_overdue(served: Served, page: Page) -> None:
    """Of the feed a delivery is due every minute; the last one came with the run before."""
    ends = time.monotonic() + LATE_WITHIN
    while asked(served, FRESHNESS)["assetNodeOrError"]["freshnessStatusInfo"]["freshnessStatus"] != "DEGRADED":
        assert time.monotonic() < ends, f"the feed is not late after {LATE_WITHIN} seconds"
        time.sleep(2)
    page.goto(f"{served.url}/assets/pos/orders?view=overview")
    policy = page.get_by_text("Freshness policy", exact=True).first
    expect(policy).to_be_visible()
    expect(page.get_by_text("Failed", exact=True).first).to_be_visible()
    picture(page, "late-feed")
