"""Random small orgs, delivered in slices over runs of both modes: in the end every result is what plain Python says."""

import os
from collections import Counter
from datetime import timedelta
from random import Random, SystemRandom

import pytest

from tests.python.bookings.conftest import BOTH, MakeFolder
from tests.python.bookings.plain import Delivery, Org, Verdict, judged_hourly
from tests.python.bookings.world import (
    AGGREGATOR,
    POLICIES,
    RATES,
    SUPPLIER,
    Row,
    activity,
    at,
    exceptions,
    hourly,
    policy,
    put,
    rate,
    run,
    shown,
)
from tests.python.laws.harness import Folder

# Multiplies the number of examples; an example is some sixty orgs over three runs.
FACTOR = int(os.environ.get("TIEOUT_PROPERTY_EXAMPLES", "1"))
ORGS = 60
MOMENTS = (at("03-02 10:00"), at("03-02 11:00"), at("03-02 12:00"))

CURRENCIES = ("EUR", "EUR", "USD", "USD", "JPY", "KWD", "GBP")
# In the currency that has them all, so that halves and limits are met: 0.05 and 0.15 of a half, neighbours of a limit.
AMOUNTS = {
    "EUR": ("10.00", "10.00", "10.01", "9.99", "5.00", "0.02", "0.08", "-10.00", "0.00", "20.00"),
    "USD": ("10.00", "20.00", "0.05", "0.15", "-0.05", "-0.15", "9999999999999.99", "10000000000000.00"),
    "GBP": ("8.00", "10.00", "0.02"),
    "JPY": ("1000", "1600", "5", "1"),
    "KWD": ("1.005", "1.015", "10.000"),
}
RATE_VALUES = ("0.5", "0.5", "2", "0.8", "1.25", "0.0625", "0.006", "160.5", "0.333333333", "3", "0.000000001")
PAIRS = (
    *(("USD", "EUR"), ("USD", "EUR"), ("EUR", "USD"), ("GBP", "EUR"), ("EUR", "GBP"), ("JPY", "EUR"), ("KWD", "EUR")),
    *(("GBP", "USD"), ("USD", "JPY"), ("JPY", "USD"), ("KWD", "USD"), ("EUR", "JPY"), ("EUR", "KWD")),
)
DAYS = ("2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02", "2026-03-02", "2026-03-02", "2026-03-03")
MINUTES = (60, 60, 61, 59, 30, 120, 180, 700, 1500)


def random_rates(random: Random) -> tuple[Row, ...]:
    """Some quotes; now and then two that contradict each other, or one of nothing."""
    rows = [
        rate(*random.choice(PAIRS), random.choice(RATE_VALUES), random.choice(DAYS), random.choice(("ECB", "", "bank")))
        for _ in range(random.randint(1, 8))
    ]
    if random.random() < 0.1:
        rows.append(rate(*random.choice(PAIRS), "0", random.choice(DAYS)))
    return tuple(rows)


def random_policies(random: Random) -> tuple[Row, ...]:
    """Terms of the stream and of suppliers, each scope and day at most once."""
    scopes = {(random.choice(("", "S1", "S2")), random.choice(("", "", "2026-03-01", "2026-03-02"))) for _ in range(3)}
    rows = []
    for supplier, valid_from in sorted(scopes):
        chosen = {
            "price_abs_minor": ("", "0", "1", "100"),
            "price_pct": ("", "0", "0.001", "0.333333333"),
            "skew_seconds": ("", "", "0", "3600"),
            "grace_minutes": ("", "", "0", "90"),
            "price_basis": ("", "", "BASE", "RECORD"),
            "base_currency": ("", "EUR", "EUR", "JPY", "KWD", "USD"),
            "fx_max_age_days": ("", "", "0", "1", "2"),
            "fx_pivot": ("", "", "USD", "EUR", "NONE"),
            "mode": ("", "HOURLY", "HOURLY", "DAILY"),
        }
        fields = {name: random.choice(values) for name, values in chosen.items()}
        rows.append({**policy(supplier, **fields), "valid_from": valid_from})
    return tuple(rows)


def random_record(random: Random, activity_id: str) -> dict[str, str]:
    """A record of one side."""
    currency = random.choice(CURRENCIES)
    when = MOMENTS[-1] - timedelta(minutes=random.choice(MINUTES))
    return activity(
        activity_id,
        random.choice(AMOUNTS[currency]),
        currency,
        supplier_id=random.choice(("S1", "S1", "S2", "S3")),
        status=random.choice(("BOOKED", "BOOKED", "confirmed", "CANCELLED", "REFUNDED")),
        version=random.choice("1112"),
        event_time=shown(when),
        activity_type=random.choice(("SALE", "SALE", "REFUND")),
        order_ref=random.choice(("", "R1", "R1", "R2")),
        guest_name=random.choice(("", "Ann Lee", "ann-lee", "Bob")),
        nights=random.choice(("", "2", "2", "3")),
    )


def changed(random: Random, row: Row) -> dict[str, str]:
    """The same record with one thing or nothing else, now and then a later version of whenever."""
    other = random_record(random, row["activity_id"])
    if random.random() < 0.1:
        return {**row, "version": "3", "event_time": other["event_time"]}
    names = random.choice(
        (
            (),
            (),
            ("amount", "currency"),
            ("amount", "currency"),
            ("version",),
            ("version", "event_time"),
            ("status",),
            ("nights",),
        )
    )
    names = random.choice((names, names, ("event_time",), ("supplier_id",), ("guest_name",), ("order_ref",)))
    return {**row, **{name: other[name] for name in names}}


def random_org(seed: int) -> list[Delivery]:
    """What an org delivers over the runs."""
    random = Random(seed)
    deliveries: list[Delivery] = []
    for moment in MOMENTS:
        for feed, make, chance in ((POLICIES, random_policies, 0.4), (RATES, random_rates, 0.5)):
            if random.random() < (0.9 if moment == MOMENTS[0] else chance):
                deliveries.append((feed, moment, make(random)))
    sides: dict[str, list[Row]] = {AGGREGATOR: [], SUPPLIER: []}
    for activity_id in "ABCDEFGH":
        first = random_record(random, activity_id)
        for rows in sides.values():
            kept = changed(random, first) if random.random() < 0.9 else None
            for _ in range(random.choice((0, 1, 1, 1, 2, 3)) if kept else 0):
                rows.append(kept)
                kept = changed(random, kept) if random.random() < 0.7 else kept
    for feed, rows in sides.items():
        if feed == SUPPLIER and random.random() < 0.05:
            continue
        slices: dict[int, list[Row]] = {}
        for row in rows:
            slices.setdefault(random.randrange(len(MOMENTS)), []).append(row)
            if random.random() < 0.15:
                slices.setdefault(random.randrange(len(MOMENTS)), []).append(row)
        for place, together in slices.items():
            random.shuffle(together)
            deliveries.append((feed, MOMENTS[place], tuple(together)))
    return deliveries


def published(folder: Folder) -> dict[str, Counter[Verdict]]:
    """The results by org."""
    found: dict[str, Counter[Verdict]] = {}
    for org_id, *values in folder.published(
        "select org_id, result, anomalies, source_activity_id, target_activity_id, source_base_minor,"
        " target_base_minor, reason, is_late from marts.reconciliation_results"
    ):
        found.setdefault(org_id, Counter())[Verdict(*values)] += 1
    return found


def hold(folder: Folder, seeds: list[int]) -> None:
    """Run one example."""
    cases = {f"org{seed}": random_org(seed) for seed in seeds}
    for number, moment in enumerate(MOMENTS):
        for org_id, deliveries in cases.items():
            for feed, received_at, rows in deliveries:
                if received_at == moment:
                    put(folder, org_id, feed, rows, f"{number}.csv")
        is_last = moment == MOMENTS[-1]
        (run if is_last else hourly)(folder, moment)
        found = published(folder)
        findings = {found for found in exceptions(folder) if found[1] in ("REFUND_WITHOUT_SALE", "VERSION_WENT_BACK")}
        # Of what records of one side say of each other nobody waits for a daily run.
        assert findings == {
            (org_id, *finding) for org_id, deliveries in cases.items() for finding in Org(deliveries, moment).findings()
        }
        differing = [line for org_id in cases for line in differences(org_id, cases[org_id], found, number)]
        assert not differing, "\n".join(differing[:40])


def differences(org_id: str, deliveries: list[Delivery], found: dict[str, Counter[Verdict]], number: int) -> list[str]:
    """Where an org's results are not what plain Python says. The first two runs are hourly, and only what their
    suppliers' records say is compared then; the first of all builds from nothing, for which it judges everybody."""
    org = Org(deliveries, MOMENTS[number])
    due, given = org.verdicts(), found.get(org_id, Counter())
    if number == 1:
        ids = org.live(AGGREGATOR).keys() | org.live(SUPPLIER).keys()
        judged = {activity_id for activity_id in ids if judged_hourly(org, activity_id)}
        due, given = (
            Counter({said: count for said, count in bag.items() if (said.source_id or said.target_id) in judged})
            for bag in (due, given)
        )
    lines = [f"{org_id} run {number} due (x{count}): {said}" for said, count in (due - given).items()]
    return lines + [f"{org_id} run {number} published (x{count}): {said}" for said, count in (given - due).items()]


@pytest.fixture(scope="module")
def seeds() -> list[list[int]]:
    """The orgs of every example: the same ones each time, unless more are asked for."""
    source = Random(4) if FACTOR == 1 else SystemRandom()
    return [[source.randrange(2**32) for _ in range(ORGS)] for _ in range(FACTOR)]


@pytest.mark.parametrize("target", BOTH)
def test_every_result_is_what_plain_python_says(target: str, make_folder: MakeFolder, seeds: list[list[int]]) -> None:
    for example in seeds:
        hold(make_folder(target), example)


def test_random_orgs_meet_every_rule(seeds: list[list[int]]) -> None:
    """What is compared is worth it: every verdict occurs, and halves and other currencies do."""
    said = Counter(
        code
        for org in (Org(random_org(seed), MOMENTS[-1]) for seed in seeds[0])
        for code in (
            *(
                code
                for verdict in org.verdicts()
                for code in (verdict.result, verdict.reason, *verdict.anomalies.split(","))
            ),
            *(anomaly for anomaly, _ in org.findings()),
        )
        if code
    )
    rare = {
        *("MATCHED", "PRICE_MISMATCH", "STATUS_MISMATCH", "TIMESTAMP_SKEW", "ATTRIBUTE_MISMATCH", "FX_RATE_MISSING"),
        *("CURRENCY_MISMATCH", "MISSING_SUPPLIER", "MISSING_AGGREGATOR", "CONFLICT_AGGREGATOR", "CONFLICT_SUPPLIER"),
        *("DUPLICATE_AGGREGATOR", "DUPLICATE_SUPPLIER", "FEED_LATE", "IN_GRACE"),
        *("REFUND_WITHOUT_SALE", "VERSION_WENT_BACK"),
    }
    assert {code for code in rare if not said[code]} == set()
