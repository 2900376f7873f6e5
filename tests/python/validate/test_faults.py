"""A project that is broken in every way at once: each fault is told, where it stands, and nothing else is."""

from pathlib import Path

import pytest

from tests.python.declarations.project import copy, write
from tests.python.validate.broken import (
    RECONCILIATIONS,
    REGISTRY,
    Break,
    Found,
    has,
    line_of,
    pick,
    replace,
    stands,
    told,
)

# One worker, which breaks and validates the project once.
pytestmark = pytest.mark.xdist_group("validate-faults")

ORDERS, PAYOUTS, BOOKINGS = "pos_oms_orders", "ecommerce_payouts", "bookings"
SEVERITIES = ["fault", "warning", "note"]
ORDERS_PAGE = f"{RECONCILIATIONS}/{ORDERS}/_{ORDERS}.yml"
PAYOUTS_PAGE = f"{RECONCILIATIONS}/{PAYOUTS}/_{PAYOUTS}.yml"
BOOKINGS_PAGE = f"{RECONCILIATIONS}/{BOOKINGS}/_{BOOKINGS}.yml"
BY_ID = f"{RECONCILIATIONS}/{ORDERS}/{ORDERS}__by_order_id.sql"
BY_AMOUNT = f"{RECONCILIATIONS}/{ORDERS}/{ORDERS}__by_store_amount_time.sql"

BREAKS = {
    # the registry
    "a key of no ladder": Break(
        REGISTRY,
        "          one_system: true\n",
        "          one_sistem: true\n",
        "registry-key",
        "one_sistem",
        ("'one_sistem'", "one_system", "spelling"),
        PAYOUTS,
    ),
    "a key of no stream": Break(
        REGISTRY,
        "      hourly_window: 48",
        "      hourly_window: 48\n      colour: red",
        "registry-key",
        "colour: red",
        ("'colour'", "hourly_window"),
        BOOKINGS,
    ),
    "a variable that nobody reads": Break(
        REGISTRY,
        "  streams:\n    pos_oms_orders:",
        "  strems: {}\n  streams:\n    pos_oms_orders:",
        "registry-key",
        "strems: {}",
        ("'strems'", "streams"),
        severity="warning",
    ),
    "a default of no policy": Break(
        REGISTRY,
        "{grace_minutes: 14400}",
        "{grace_minuets: 14400}",
        "registry-key",
        "grace_minuets",
        ("'grace_minuets'", "grace_minutes"),
        PAYOUTS,
    ),
    "a default that is no such value": Break(
        REGISTRY,
        "{price_basis: BASE}",
        "{price_basis: HOME}",
        "policy-defaults",
        "price_basis: HOME",
        ("price_basis", "RECORD, BASE", "'HOME'"),
        BOOKINGS,
    ),
    "marts that are no list": Break(
        REGISTRY,
        "      findings: [bookings_consistency]",
        "      findings: [bookings_consistency]\n      marts: trends",
        "registry-type",
        "marts: trends",
        ("marts", "list", "'trends'"),
        BOOKINGS,
    ),
    "a finding without a model": Break(
        REGISTRY,
        "findings: [payout_findings]",
        "findings: [payout_findings, payout_losses]",
        "model-missing",
        "payout_losses",
        ("'payout_losses'",),
        PAYOUTS,
    ),
    "a mart without a model": Break(
        REGISTRY,
        "marts: [payout_tie_out, fee_analysis, order_trace]",
        "marts: [payout_tie_out, fee_analysis, order_trace, payout_map]",
        "model-missing",
        "payout_map",
        ("'payout_map'", "models/marts"),
        PAYOUTS,
    ),
    "a side that is no feed": Break(
        REGISTRY,
        "          source: pos/orders\n          target: oms/orders\n",
        "          source: pos/orders\n          target: erp/orders\n",
        "feed-unknown",
        "target: erp/orders",
        ("target", "'erp/orders'", "oms/orders"),
        ORDERS,
    ),
    "a check that there is not": Break(
        REGISTRY,
        "erp/orders\n          checks: [currency_equality, price_tolerance, status_alignment, timestamp_skew]\n",
        "erp/orders\n          checks: [currency_equality, price_tolerance, status_alignment, tax_equality]\n",
        "ladder",
        "tax_equality",
        ("'tax_equality'", "price_tolerance"),
        ORDERS,
    ),
    "a registered feed that nobody declares": Break(
        REGISTRY,
        "    - oms/orders\n",
        "    - oms/orders\n    - ghost/orders\n",
        "feed-undeclared",
        "- ghost/orders",
        ("'ghost/orders'", "_ghost__sources.yml"),
    ),
    "an entity of a feed that is none": Break(
        REGISTRY,
        "      feeds: [bank/statement]\n      part_of: bank_entries",
        "      feeds: [bank/statements]\n      part_of: bank_entrees",
        "feed-unknown",
        "bank/statements",
        ("'bank/statements'", "bank/statement"),
    ),
    "an entity that is part of nothing": Break(
        REGISTRY,
        "    bank/entries:\n      code: DEPOSIT",
        "    bank/entries:\n      code: Deposit",
        "registry-type",
        "code: Deposit",
        ("'Deposit'", "capitals"),
    ),
    "an attribute that is no column": Break(
        REGISTRY,
        "[guest_name, nights, check_in]",
        "[guest_name, nights, check_in, pets]",
        "column-unknown",
        "pets]",
        ("'pets'", "aggregator/activities", "guest_name"),
    ),
    "an identity without a model": Break(
        REGISTRY,
        "    - identities_bank__statement",
        "    - identities_bank__statement\n    - identities_ghost",
        "model-missing",
        "identities_ghost",
        ("'identities_ghost'",),
    ),
    # columns
    "a column that is carried and is none": Break(
        REGISTRY,
        "carries: [activity_type, payment_ref, batch_ref, net_minor]",
        "carries: [activity_type, payment_ref, batch_ref, net_minor, colour_code]",
        "column-unknown",
        "colour_code",
        ("carries 'colour_code'", "order_ref"),
        PAYOUTS,
    ),
    "an exclusion by a column that is not kept": Break(
        REGISTRY,
        'records.batch_ref is null", reason',
        "records.source_status = 'records.none'\", reason",
        "column-unknown",
        "records.source_status",
        ("excluded.source", "'source_status'", "carries"),
        PAYOUTS,
    ),
    "an attribute that a side does not have": Break(
        REGISTRY,
        "            check_in: {compare: equal, blank: passes}",
        "            check_out: {compare: equal, blank: passes}",
        "column-unknown",
        "check_out",
        ("'check_out'", "aggregator/activities"),
        BOOKINGS,
    ),
    "a rule by a column that is none": Break(
        REGISTRY,
        "others_by: [order_ref]",
        "others_by: [order_reference]",
        "column-unknown",
        "order_reference",
        ("refund_without_sale", "'order_reference'", "order_ref"),
        BOOKINGS,
    ),
    "a condition on a column that is none": Break(
        REGISTRY,
        "forbids: other.version < record.version",
        "forbids: other.revision < record.version",
        "column-unknown",
        "other.revision",
        ("version_went_back", "'other.revision'"),
        BOOKINGS,
    ),
    "a step on a column that is not kept": Break(
        BY_AMOUNT,
        "'amount_minor'",
        "'amount_major'",
        "column-unknown",
        "amount_major",
        ("match.on", "'amount_major'", "carries"),
        ORDERS,
    ),
    "a window that is none": Break(
        BY_AMOUNT,
        "15 minutes",
        "15 fortnights",
        "step",
        "15 fortnights",
        ("match.within.event_at", "'15 fortnights'"),
        ORDERS,
    ),
    "a rule that no constructor made": Break(
        BY_ID, "one_to_one(", "one_two_one(", "step", "one_two_one", ("match:", "match rule"), ORDERS
    ),
    "a canonical column from nowhere": Break(
        "models/canonical/pos_orders.sql",
        "'counterparty_id': 'store_id'",
        "'counterparty_id': 'shop_id'",
        "column-unknown",
        "shop_id",
        ("'shop_id'", "pos/orders", "store_id"),
    ),
    # what steps and ladders raise
    "an anomaly that nobody explains": Break(
        BY_AMOUNT,
        "'ID_MISMATCH'",
        "'ID_GUESSED'",
        "anomaly-unexplained",
        "ID_GUESSED",
        ("'ID_GUESSED'", "anomalies.csv"),
        ORDERS,
    ),
    "an absence that nobody explains": Break(
        REGISTRY,
        "absent: {source: MISSING_ORDER, target: MISSING_PAYMENT}",
        "absent: {source: LOST_ORDER, target: MISSING_PAYMENT}",
        "anomaly-unexplained",
        "LOST_ORDER",
        ("'LOST_ORDER'", "docs/anomalies.md"),
        PAYOUTS,
    ),
    # the folders
    "an owner without an address": Break(
        BOOKINGS_PAGE,
        "email: supplier-reconciliation@example.com",
        "email: someone",
        "group",
        "email: someone",
        ("owner.email", "'someone'"),
        BOOKINGS,
    ),
    "a schedule that is none": Break(
        BOOKINGS_PAGE,
        stands(BOOKINGS_PAGE, "schedule:"),
        "schedule: weekly",
        "group",
        "schedule: weekly",
        ("schedule", "hourly, daily, on_arrival", "'weekly'"),
        BOOKINGS,
    ),
    "a cron that never comes": Break(
        ORDERS_PAGE,
        stands(ORDERS_PAGE, "schedule:"),
        "schedule: {cron: 61 6 * * *, time_zone: Europe/Atlantis}",
        "group",
        "schedule: {cron",
        ("schedule.cron", "'61 6 * * *'"),
        ORDERS,
    ),
    "a timeout that is no length of time": Break(
        ORDERS_PAGE,
        stands(ORDERS_PAGE, "failure_policy:"),
        "failure_policy: stop_on_failure\n          timeout: soon",
        "group",
        "timeout: soon",
        ("timeout", "2 hours", "'soon'"),
        ORDERS,
    ),
    "a failure policy that is none": Break(
        BOOKINGS_PAGE,
        stands(BOOKINGS_PAGE, "failure_policy:"),
        "failure_policy: shrug",
        "group",
        "failure_policy: shrug",
        ("failure_policy", "stop_on_failure, continue_on_noncritical", "'shrug'"),
        BOOKINGS,
    ),
    "a group of another name": Break(
        PAYOUTS_PAGE,
        "groups:\n  - name: ecommerce_payouts\n",
        "groups:\n  - name: payouts_of_shops\n",
        "group",
        "payouts_of_shops",
        ("'payouts_of_shops'", "'ecommerce_payouts'"),
        PAYOUTS,
    ),
    "a model of another group": Break(
        ORDERS_PAGE,
        "  - name: pos_oms_orders__unmatched\n",
        "  - name: pos_oms_orders__leftover\n",
        "model-missing",
        "pos_oms_orders__leftover",
        ("'pos_oms_orders__leftover'", "no file"),
        ORDERS,
    ),
    # feeds
    "a feed of a kind that is none": Break(
        "models/staging/oms/_oms__sources.yml",
        "kind: records",
        "kind: recorded",
        "feed-declaration",
        "kind: recorded",
        ("'oms/orders'", "records, state", "'recorded'"),
    ),
    # seeds
    "a status of no system": Break(
        "seeds/status_map.csv",
        "pos,voided,CANCELLED,,",
        "pos,voided,CANCELLED,,\ntill,paid,BOOKED,,",
        "reference-unknown",
        "till,paid",
        ("system 'till'", "pos"),
        severity="warning",
    ),
    "a pair of no stream": Break(
        "seeds/status_pairs.csv",
        "bookings,REFUNDED,CANCELLED",
        "bookings,REFUNDED,CANCELLED\nbookings2,REFUNDED,CANCELLED",
        "reference-unknown",
        "bookings2",
        ("stream 'bookings2'",),
        severity="warning",
    ),
    "a rule for no anomaly": Break(
        "seeds/resolution_rules.csv",
        "default_skew,TIMESTAMP_SKEW",
        "default_odd,ODDITY,OK,ESCALATE\ndefault_skew,TIMESTAMP_SKEW",
        "reference-unknown",
        "ODDITY",
        ("anomaly 'ODDITY'",),
        severity="warning",
    ),
    "defaults without a field": Break(
        "seeds/policy_defaults.csv",
        "0,0,900,60,",
        "0,0,,sixty,",
        "policy-defaults",
        "0,0,,sixty",
        ("'skew_seconds' is blank",),
    ),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, broken by everything above and by files that are missing or too many."""
    project = copy(tmp_path_factory.mktemp("broken") / "project")
    for each in BREAKS.values():
        replace(project, each.path, each.old, each.new)
    (project / RECONCILIATIONS / PAYOUTS / "legs_to_payouts__by_reversal.sql").unlink()
    (project / RECONCILIATIONS / PAYOUTS / "payouts_to_deposits__unmatched.sql").unlink()
    write(project, f"{RECONCILIATIONS}/{ORDERS}/{ORDERS}__by_luck.sql", "select 1 as one\n")
    write(project, f"{RECONCILIATIONS}/orphans/orphans__by_id.sql", "{{ unmatched(ladder='orphans') }}\n")
    (project / "models" / "staging" / "pos" / "rejected_pos__orders.sql").unlink()
    return project


@pytest.fixture(scope="module")
def found(project: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Found]:
    """All that is told of it, in one go."""
    return told(project, tmp_path_factory.mktemp("data"), code=1)


@pytest.mark.parametrize("name", BREAKS)
def test_each_is_told_where_it_stands(name: str, project: Path, found: list[Found]) -> None:
    assert has(found, project, BREAKS[name]), found


def test_files_that_are_missing_or_too_many(project: Path, found: list[Found]) -> None:
    for expected in (
        Break(REGISTRY, "", "", "model-missing", "by_reversal", ("by_reversal.sql", "reconcile"), PAYOUTS),
        Break(REGISTRY, "", "", "model-missing", "payouts_to_deposits:", ("unmatched(ladder='pay",), PAYOUTS),
        Break(REGISTRY, "", "", "model-missing", "- pos/orders", ("rejected_pos__orders", "rejected(feed='pos")),
        Break(REGISTRY, "", "", "model-missing", "target: erp/orders", ("'erp_orders'",), ORDERS),
        Break(REGISTRY, "", "", "model-missing", "- ghost/orders", ("stg_ghost__orders",)),
        Break(REGISTRY, "", "", "model-missing", "part_of: bank_entrees", ("'bank_entrees'",)),
    ):
        assert has(found, project, expected), (expected, found)
    luck = f"{RECONCILIATIONS}/{ORDERS}/{ORDERS}__by_luck.sql"
    assert {one["code"] for one in pick(found, file=luck)} == {"model-unregistered", "model-described"}
    orphan = pick(found, file=f"{RECONCILIATIONS}/orphans/orphans__by_id.sql")
    assert "model-unregistered" in {one["code"] for one in orphan}
    assert any("no group of its name" in one["message"] for one in pick(found, file=PAYOUTS_PAGE))


def test_a_stream_alone_is_told_its_own(project: Path, data_dir: Path, found: list[Found]) -> None:
    of_orders = told(project, data_dir, "--stream", ORDERS, code=1)
    assert {one["stream"] for one in of_orders} <= {ORDERS, None}
    expected = [one for one in pick(found, stream=ORDERS) if one["code"] != "feed-not-arrived"]
    assert [one for one in pick(of_orders, stream=ORDERS) if one["code"] != "feed-not-arrived"] == expected
    arrival = pick(of_orders, code="feed-not-arrived")
    assert [one["severity"] for one in arrival] == ["fault"], "it is about to run"


def test_nothing_else_is_told(project: Path, found: list[Found]) -> None:
    places = {(each.path, line_of(project, each.path, each.at)) for each in BREAKS.values()}
    follows = (
        (REGISTRY, "- pos/orders"),
        (REGISTRY, "part_of: bank_entrees"),
        (REGISTRY, "by_reversal"),
        (REGISTRY, "payouts_to_deposits:"),
        (PAYOUTS_PAGE, "version: 2"),
        (PAYOUTS_PAGE, "name: legs_to_payouts__by_reversal"),
        (PAYOUTS_PAGE, "name: payouts_to_deposits__unmatched"),
        (f"{RECONCILIATIONS}/{ORDERS}/{ORDERS}__by_luck.sql", "select 1"),
        (f"{RECONCILIATIONS}/{ORDERS}/{ORDERS}__unmatched.sql", "unmatched("),
        (f"{RECONCILIATIONS}/orphans/orphans__by_id.sql", "unmatched("),
    )
    places |= {(path, line_of(project, path, text)) for path, text in follows}
    others = [one for one in found if one["severity"] != "note" and (one["file"], one["line"]) not in places]
    assert not others
    assert {one["code"] for one in pick(found, severity="note")} == {"feed-not-arrived"}


def test_nothing_is_told_twice(found: list[Found]) -> None:
    places = [(one["file"], one["line"], one["message"], one["org"]) for one in found]
    assert len(places) == len(set(places))
    assert [one["severity"] for one in found] == sorted((one["severity"] for one in found), key=SEVERITIES.index)


def test_what_cannot_be_read_keeps_nothing_else_from_being_told(tmp_path: Path, data_dir: Path) -> None:
    project = copy(tmp_path / "project")
    replace(project, ORDERS_PAGE, "    owner:\n", "    owner: [\n")
    replace(project, BOOKINGS_PAGE, stands(BOOKINGS_PAGE, "schedule:"), "schedule: weekly")
    replace(project, REGISTRY, "          steps: [by_activity_id]\n", "          steps: [by_luck]\n")
    replace(
        project,
        REGISTRY,
        "    bookings:\n      # The aggregator's",
        "    pos_oms_orders: {ladders: {bookings: {}}}\n    bookings:\n      # The aggregator's",
    )
    found = told(project, data_dir, code=1)
    unreadable = pick(found, code="yaml-unreadable", file=ORDERS_PAGE)
    assert len(unreadable) == 1
    assert unreadable[0]["line"] >= 1
    assert pick(found, code="group", file=BOOKINGS_PAGE)
    assert any("'pos_oms_orders' stands in line" in one["message"] for one in pick(found, code="yaml-key-twice"))
    assert any("bookings__by_luck.sql" in one["message"] for one in pick(found, code="model-missing"))
    assert pick(found, code="ladder-twice")

    (project / REGISTRY).write_text("name: tieout\nvars:\n  streams: {a: [\n", encoding="utf-8")
    found = told(project, data_dir, "--stream", BOOKINGS, code=1)
    registry = pick(found, file=REGISTRY, code="yaml-unreadable")
    assert [one["line"] for one in registry] == [4]
    assert pick(found, file=ORDERS_PAGE, code="yaml-unreadable")
