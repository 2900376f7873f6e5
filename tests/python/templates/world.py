"""What the tests of templates share: copies of the project with one template alone, the examples of its org and of
another one that must not get into the clone, and how the clone's results are read."""

import json
import shutil
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.python.core_project import core_project
from tests.python.declarations.project import ROOT, copy, registry, write_registry
from tests.python.laws.harness import Folder

# So near that no timer runs out in between.
AS_OF, EDITED = (datetime(2026, 3, 3, 6, 0, second, tzinfo=UTC) for second in (1, 2))
# When all has come but what is late; the run that takes it up builds on that one.
BEFORE = datetime(2026, 3, 3, 6, tzinfo=UTC)
# In the ids of what is delivered for the new step.
ADDED = "9001"
# Delivers the very files of the org that the clone serves.
OTHER_ORG = "globex"

# Columns in which the clone's results are another stream's: its names, and what is made of them.
OF_THE_NAME = ("result_id", "stream", "ladder", "rule_version", "row_hash")


@dataclass(frozen=True)
class Case:
    """A template, and what a user does with a clone of it."""

    template: str
    clone: str
    org: str
    systems: tuple[str, ...]
    # The one of them whose files come a run later.
    late: str
    # The org's thresholds for the clone, and those that it changes its mind to; none where it edits `defaults`.
    policy: str
    edited_policy: str | None
    # A verdict that goes with the wider tolerance.
    tolerated: str
    # The ladder of the clone that gets a step, the step's name and its rule.
    ladder: str
    step: str
    rule: str
    # What is delivered with it by feed, and what the step says of it: nothing where it has nothing to match.
    delivered: dict[str, str] = field(default_factory=dict)
    says: tuple[str, str] | None = None


CASES = {
    "pos_oms_orders": Case(
        template="pos_oms_orders",
        clone="till_orders",
        org="harbour_pine",
        systems=("pos", "oms"),
        late="oms",
        policy=(
            "stream,counterparty_id,price_abs_minor,skew_seconds,valid_from\n"
            "till_orders,,2,,\ntill_orders,HP-02,5,,2026-03-02\ntill_orders,HP-03,,1800,\n"
        ),
        edited_policy="stream,counterparty_id,price_abs_minor,valid_from\ntill_orders,,1000000,\ntill_orders,HP-02,1000000,2026-03-02\n",
        tolerated="PRICE_MISMATCH",
        ladder="till_orders",
        step="by_amount_day",
        rule="one_to_one(on=['currency', 'amount_minor'], within={'event_at': '1 day'}), on_match='ID_MISMATCH'",
        delivered={
            "pos/orders": (
                "order_id,store_id,status,currency,total,created_at,updated_at\n"
                "HP-9001,HP-01,PAID,USD,7654.32,2026-03-03T04:00:00Z,2026-03-03T04:00:00Z\n"
            ),
            "oms/orders": (
                "order_id,location_id,state,currency,order_total,placed_at,modified_at,revision\n"
                "OM-9001,HP-01,delivered,USD,7654.32,2026-03-03 05:00:00,2026-03-03 05:00:00,1\n"
            ),
        },
        says=("HP-9001", "OM-9001"),
    ),
    "ecommerce_payouts": Case(
        template="ecommerce_payouts",
        clone="shop_money",
        org="harbour_pine",
        systems=("adyen", "amazon", "bank", "paypal", "shopify", "square", "stripe"),
        late="bank",
        policy="stream,grace_minutes\nshop_money,12960\n",
        edited_policy=None,
        tolerated="PAYOUT_DOES_NOT_ADD_UP",
        ladder="shop_money_payouts_to_deposits",
        step="by_amount_week",
        rule=(
            "one_to_one(on=['currency', 'amount_minor'], within={'business_date': '0 to 9 business days'}),"
            " on_match='ID_MISMATCH'"
        ),
    ),
    "bookings": Case(
        template="bookings",
        clone="hotel_nights",
        org="northlight_stays",
        systems=("aggregator", "supplier"),
        late="supplier",
        policy=(ROOT / "examples/extracts/northlight_stays/tieout/policies/policies.csv")
        .read_text(encoding="utf-8")
        .replace("bookings,", "hotel_nights,"),
        edited_policy="stream,price_abs_minor,price_pct\nhotel_nights,1000000,1\n",
        tolerated="PRICE_MISMATCH",
        ladder="hotel_nights",
        step="by_supplier_amount",
        rule=(
            "one_to_one(on=['counterparty_id', 'currency', 'amount_minor'], within={'event_at': '1 day'}),"
            " on_match='ID_MISMATCH'"
        ),
        delivered={
            "aggregator/activities": (
                "activity_id,supplier_id,activity_type,amount,currency,status,version,event_time\n"
                "AG-9001,EDO,SALE,7654.32,EUR,booked,1,2026-03-03T04:00:00Z\n"
            ),
            "supplier/activities": (
                "activity_id,supplier_id,activity_type,amount,currency,status,version,event_time\n"
                "SU-9001,EDO,SALE,7654.32,EUR,confirmed,1,2026-03-03T04:01:00Z\n"
            ),
        },
        says=("AG-9001", "SU-9001"),
    ),
}


def project_of(folder: Path, template: str) -> Path:
    """A copy of the project that has this template alone, with all that cloning reads."""
    if template == "ecommerce_payouts":
        project = copy(folder)
        settings = registry(project)
        for other in [name for name in settings["vars"]["streams"] if name != template]:
            shutil.rmtree(project / "models" / "reconciliations" / other)
            del settings["vars"]["streams"][other]
        write_registry(project, settings)
    else:
        project = core_project(folder, (template,))
    with_templates(project)
    return project


def with_templates(project: Path) -> Path:
    """Add the templates and their pages to a copy of the project."""
    for part in ("templates", "docs/templates"):
        shutil.copytree(ROOT / part, project / part)
    return project


def deliver_late(folder: Folder, case: Case) -> None:
    """Put those of the examples into the inbox that come a run later."""
    extracts = ROOT / "examples" / "extracts" / case.org
    for org in (case.org, OTHER_ORG):
        shutil.copytree(extracts / case.late, folder.root / "inbox" / org / case.late)


def deliver_examples(folder: Folder, case: Case) -> None:
    """Put the examples into the inbox, for the org and under another one's name, and the org's policy of the clone."""
    extracts = ROOT / "examples" / "extracts" / case.org
    for org in (case.org, OTHER_ORG):
        for system in set(case.systems) - {case.late}:
            shutil.copytree(extracts / system, folder.root / "inbox" / org / system)
    # What the org says of its streams, apart from those that this copy of the project does not have.
    for file in sorted((extracts / "tieout").rglob("*.csv")):
        text = file.read_text(encoding="utf-8")
        if not text.startswith("stream,") or f"\n{case.template}," in text:
            write(folder.root / "inbox" / case.org / "tieout" / file.relative_to(extracts / "tieout"), text)
    deliver(folder, case.org, "tieout/policies", "of_the_clone.csv", case.policy)


def deliver(folder: Folder, org: str, feed: str, name: str, text: str) -> None:
    """Put a file into the inbox."""
    write(folder.root / "inbox" / org / feed / name, text)


def write(file: Path, text: str) -> None:
    """Write a file and the folders above it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def run(folder: Folder, as_of: datetime) -> dict[str, Any]:
    """A whole run; the books close and every test holds. Returns its summary."""
    done = folder.start(as_of)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
    summary: dict[str, Any] = json.loads(done.stdout)
    assert summary["laws"]["failed"] == 0
    assert summary["landed"]["failed_files"] == 0
    return summary


def results(folder: Folder, stream: str, org: str | None = None) -> Counter[tuple[Any, ...]]:
    """A stream's published results, or those of one org, without what is made of the stream's name, and without what
    is delivered for a new step. Of a ladder's name the end is kept, which both have."""
    columns = [name for name in folder.published_columns("reconciliation_results") if name not in OF_THE_NAME]
    of_org = f" and org_id = '{org}'" if org else ""
    rows = folder.published(
        f"select right(ladder, 8) as ending, {', '.join(columns)} from marts.reconciliation_results"
        f" where coalesce(source_activity_id, target_activity_id) not like '%{ADDED}%' and stream = '{stream}'{of_org}"
    )
    # The only ladder of a stream is called as the stream is.
    return Counter((row[0] if "to_" in row[0] else "", *row[1:]) for row in rows)


def exceptions(folder: Folder, stream: str, org: str) -> Counter[tuple[Any, ...]]:
    """What is wrong in a stream, by anomaly and ids."""
    return Counter(
        folder.published(
            "select anomaly, severity, source_activity_id, target_activity_id, currency, amount_minor from"
            f" marts.exceptions where stream = '{stream}' and org_id = '{org}'"
        )
    )


def anomalies(folder: Folder, stream: str) -> Counter[str]:
    """How often each anomaly is published of a stream."""
    rows = folder.published(f"select anomalies from marts.reconciliation_results where stream = '{stream}'")
    return Counter(code for (codes,) in rows for code in codes.split(",") if code)
