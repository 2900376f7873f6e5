"""Small nasty cases: tiny alphabets, so that ids, keys, versions, contents and limits collide all the time."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from tests.python.oracle.deliveries import OMS, POLICIES, POS, Delivery
from tests.python.oracle.make import HEADERS, delivered, oms, policy, pos, stamp
from tests.python.oracle.text import trimmed

Row = dict[str, str]

# Minutes before a run at which events happen. With 60 minutes of grace, 60 is the edge of the timer; neighbours lie on
# and beside the 15 minutes of the second step's window.
_MINUTES = (60, 60, 60, 45, 45, 75, 50, 66, 5, 180)
_MICROSECONDS = (0, 0, 0, 0, 0, 1, -1, 500_000)
_AMOUNTS = {
    "USD": ("10.00", "10.00", "10.00", "10.00", "10", "+10.0", "10.01", "9.99", "-10.00", "0", "0010.50"),
    "JPY": ("1000", "1000.00", "1001", "-1000"),
    "KWD": ("10.000", "10.001", "10.0010", "10"),
}
_CURRENCIES = ("USD", "USD", "USD", "USD", "USD", "usd", "JPY", "KWD")
_IDS = ("A", "A", "B", "B", "C", "D", "E", "F", "G", "H", "a", " A", "B\u00a0")
_STORES = ("S1", "S1", "S1", "S1", "S2")
_POS_STATUSES = ("PAID", "PAID", "PAID", "paid ", "OPEN", "VOIDED", "REFUNDED", "LOST")
_OMS_STATUSES = ("created", "created", "created", "Shipped", "cancelled", "returned", "lost", "PAID")
# A field of one side and the field of the other that says the same; a status by a word for the same.
_TWINS = {
    "order_id": "order_id",
    "store_id": "location_id",
    "currency": "currency",
    "total": "order_total",
    "created_at": "placed_at",
    "description": "description",
}
_SAME_STATUS = {"paid": "created", "open": "Shipped", "voided": "cancelled", "refunded": "returned"}
_DAMAGES = {
    POS: (
        ("order_id", " "),
        ("store_id", ""),
        ("status", "\t"),
        ("currency", "XXY"),
        ("currency", ""),
        ("total", "10.001"),
        ("total", "1e3"),
        ("total", "ten"),
        ("total", ""),
        ("total", "12345678901234567890"),
        ("created_at", "2026-02-30T12:00:00Z"),
        ("created_at", "yesterday"),
        ("updated_at", ""),
        ("updated_at", "2026-03-02T25:00:00Z"),
    ),
    OMS: (
        ("order_id", ""),
        ("location_id", "\u3000"),
        ("state", ""),
        ("currency", "XXY"),
        ("order_total", "1,000"),
        ("order_total", "10.0001"),
        ("placed_at", "2026-03-02"),
        ("modified_at", "never"),
        ("revision", "two"),
        ("revision", "1.0"),
        ("revision", "1234567890123456789"),
        ("revision", ""),
    ),
}
_THRESHOLDS = {
    "price_abs_minor": ("", "", "0", "1", "2"),
    "price_pct": ("", "", "0", "0.001", "0.0009", "0.5"),
    "skew_seconds": ("", "", "0", "300", "1800"),
    "grace_minutes": ("", "", "0", "45", "75", "1440"),
}


def random_case(seed: int, runs: Sequence[datetime], volume: float = 1.0) -> list[Delivery]:
    """What one org delivers in the runs. The same seed gives the same case; `volume` scales the rows."""
    random = Random(seed)
    events = [run - timedelta(minutes=m) for run in runs for m in _MINUTES]
    # The business dates of a policy period: events on both sides of a midnight, a few minutes apart.
    midnight = runs[0].replace(hour=0, minute=0, second=0, microsecond=0)
    events += [midnight - timedelta(minutes=5), midnight + timedelta(minutes=5)] * 3
    # Few moments an org, so that its records are each other's candidates.
    focus = random.sample(events, k=random.choice((1, 2, 2, 4)))
    known: dict[str, list[Row]] = {POS: [], OMS: []}
    # In some orgs the two systems never agree on an id: food for the second step.
    foreign = random.random() < 0.35
    missing_feed = random.choice((None, None, None, None, None, POS, OMS))
    begins = random.randrange(len(runs))
    deliveries = []
    for number, run in enumerate(runs):
        for feed in (POS, OMS):
            if feed == missing_feed and number < begins:
                continue
            for _ in range(random.choice((0, 1, 1, 1, 2))):
                count = round(random.choice((0, 1, 2, 2, 3, 4, 6)) * volume)
                rows = []
                for _ in range(count):
                    row = _row(random, feed, focus, runs, known)
                    if foreign and feed == OMS and row["order_id"] in _IDS:
                        row = {**row, "order_id": f"{row['order_id']}-oms"}
                    rows.append(row)
                    known[feed].append(row)
                deliveries.append(delivered(feed, run, rows))
        if random.random() < 0.35:
            rows = [_policy(random, runs) for _ in range(random.choice((1, 1, 2, 3)))]
            deliveries.append(delivered(POLICIES, run, rows))
        past = [d for d in deliveries if d.received_at < run]
        if past and random.random() < 0.15:
            # A file that came before, as it was.
            deliveries.append(replace(random.choice(past), received_at=run))
    return _one_state_delivery_a_run(deliveries)


def _one_state_delivery_a_run(deliveries: list[Delivery]) -> list[Delivery]:
    """Of several policy files in one run keep the first: which of them came last is not known."""
    kept = []
    seen = set()
    for delivery in deliveries:
        if delivery.feed == POLICIES:
            if delivery.received_at in seen:
                continue
            seen.add(delivery.received_at)
        kept.append(delivery)
    return kept


def _row(
    random: Random, feed: str, events: Sequence[datetime], runs: Sequence[datetime], known: dict[str, list[Row]]
) -> Row:
    """A record: new, a copy, another version or content of one, or the other side's twin; maybe damaged."""
    mine, others = known[feed], known[OMS if feed == POS else POS]
    row = fresh = _fresh(random, feed, events, runs)
    chance = random.random()
    if mine and chance < 0.35:
        row = dict(random.choice(mine))
        names = [name for name in sorted(row) if name != "order_id"]
        if chance > 0.1:
            for name in random.sample(names, k=random.choice((1, 1, 2))):
                row[name] = fresh[name]
        if chance > 0.15:
            version = "updated_at" if feed == POS else "revision"
            row[version] = fresh[version]
    elif others and chance < 0.8:
        row = _twin(feed, random.choice(others), fresh)
        if random.random() < 0.4:
            row["order_id"] = fresh["order_id"]
        if random.random() < 0.4:
            name = random.choice(sorted(row))
            row[name] = fresh[name]
    if random.random() < 0.07:
        row = dict(row)
        for name, value in random.sample(_DAMAGES[feed], k=random.choice((1, 1, 2))):
            row[name] = value
    return row


def _twin(feed: str, other: Row, fresh: Row) -> Row:
    """What the other side says of a record; its version is of its own."""
    row = dict(fresh)
    for ours, theirs in _TWINS.items():
        source, target = (theirs, ours) if feed == POS else (ours, theirs)
        row[target] = other[source]
    words = {v.lower(): k.upper() for k, v in _SAME_STATUS.items()} if feed == POS else _SAME_STATUS
    status = words.get((other["state" if feed == POS else "status"]).strip().lower())
    if status:
        row["status" if feed == POS else "state"] = status
    return row


def _fresh(random: Random, feed: str, events: Sequence[datetime], runs: Sequence[datetime]) -> Row:
    currency = random.choice(_CURRENCIES)
    amount = random.choice(_AMOUNTS[currency.upper()])
    event = random.choice(events) + timedelta(microseconds=random.choice(_MICROSECONDS))
    event += timedelta(minutes=random.choice((0, 0, 0, 0, 15, -15, 10, 16)))
    order_id, store = random.choice(_IDS), random.choice(_STORES)
    description = random.choice(("", "", "", "gift, wrapped", " x "))
    if feed == POS:
        return pos(
            order_id,
            store_id=store,
            status=random.choice(_POS_STATUSES),
            currency=currency,
            total=amount,
            created_at=_spelt(random, event),
            updated_at=_spelt(random, runs[0] + timedelta(seconds=random.choice((0, 0, 1, 2, 3, 4)))),
            description=description,
        )
    return oms(
        order_id,
        location_id=store,
        state=random.choice(_OMS_STATUSES),
        currency=currency,
        order_total=amount,
        placed_at=_spelt(random, event),
        modified_at=_spelt(random, runs[0]),
        revision=random.choice(("1", "1", "2", "02", "3", "4", "10")),
        description=description,
    )


def _spelt(random: Random, moment: datetime) -> str:
    """One of the spellings of a time."""
    plain = stamp(moment)
    form = random.randrange(5)
    if form == 0:
        return plain.replace("T", " ").removesuffix("Z")
    if form == 1:
        return stamp(moment + timedelta(hours=2)).replace("Z", "+02:00")
    if form == 2:
        return stamp(moment - timedelta(hours=5, minutes=30)).replace("Z", "-0530")
    return plain


def _policy(random: Random, runs: Sequence[datetime]) -> Row:
    day = runs[0].date()
    return policy(
        stream=random.choice(("pos_oms_orders", "pos_oms_orders", "")),
        counterparty_id=random.choice(("", "", "S1", "S2")),
        valid_from=random.choice(("", "", day.isoformat(), (day - timedelta(days=1)).isoformat())),
        **{name: random.choice(values) for name, values in _THRESHOLDS.items()},
    )


def shuffled(deliveries: Sequence[Delivery], seed: int) -> list[Delivery]:
    """The same deliveries with their rows, and the columns of their files, in another order."""
    changed = []
    for number, delivery in _numbered(deliveries):
        random = Random(f"{seed} {number}")
        rows, header = [{**row, "slice": str(number)} for row in delivery.rows], {*delivery.header, "slice"}
        random.shuffle(rows)
        columns = random.sample(sorted(header), k=len(header))
        changed.append(replace(delivery, rows=tuple(rows), header=tuple(columns)))
    return changed


def sliced(deliveries: Sequence[Delivery], seed: int) -> list[Delivery]:
    """The same records in other files. All of a delivery's records with one id stay together and keep their receipt."""
    changed = []
    for number, delivery in _numbered(deliveries):
        if delivery.feed == POLICIES:
            changed.append(delivery)
            continue
        random = Random(f"{seed} {number}")
        parts: dict[int, list[Row]] = {part: [] for part in range(random.choice((1, 2, 3)))}
        for row in delivery.rows:
            parts[sum(map(ord, trimmed(row["order_id"]) or "")) % len(parts)].append(row)
        for part, rows in parts.items():
            marked = tuple({**row, "slice": f"{number}-{part}"} for row in rows)
            changed.append(replace(delivery, rows=marked, header=(*HEADERS[delivery.feed], "slice")))
    return changed


def _numbered(deliveries: Sequence[Delivery]) -> list[tuple[int, Delivery]]:
    """The deliveries, equal ones with equal numbers.

    The number goes into a column that nobody reads. So two deliveries that are the same file stay the same file, and
    two that differ in the order of their rows alone stay two: the same bytes twice would count once.
    """
    contents = [(d.feed, d.content) for d in deliveries]
    return [(contents.index(content), d) for content, d in zip(contents, deliveries, strict=True)]
