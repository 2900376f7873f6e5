"""Typing: a delivered record becomes a canonical record or a reject with every reason. Versions and copies after it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from tests.python.oracle import text
from tests.python.oracle.deliveries import OMS, POS, Delivery

LIVE = "LIVE"
SUPERSEDED = "SUPERSEDED"
SURPLUS = "SURPLUS"
REDELIVERED = "REDELIVERED"
CONFLICTING = "CONFLICTING"

UNKNOWN = "UNKNOWN"
STATUSES = {
    "pos": {"open": "BOOKED", "paid": "BOOKED", "completed": "BOOKED", "voided": "CANCELLED", "refunded": "REFUNDED"},
    "oms": {
        "created": "BOOKED",
        "confirmed": "BOOKED",
        "allocated": "BOOKED",
        "shipped": "BOOKED",
        "delivered": "BOOKED",
        "cancelled": "CANCELLED",
        "returned": "REFUNDED",
        "refunded": "REFUNDED",
    },
}


@dataclass(frozen=True)
class Feed:
    """The conventions of a feed: which column is what, and how its texts read."""

    name: str
    counterparty: str
    status: str
    amount: str
    event: str
    version: str
    version_is_time: bool
    other_times: tuple[str, ...] = ()
    time_zone: str = "UTC"
    decimal_mark: str = "."
    grouping_mark: str = ""

    @property
    def system(self) -> str:
        """The system that the feed comes from."""
        return self.name.split("/")[0]

    @property
    def header(self) -> tuple[str, ...]:
        """The columns that a delivery of this feed must have."""
        times = (self.event, *self.other_times, self.version)
        return ("order_id", self.counterparty, self.status, "currency", self.amount, *times)


FEEDS = {
    POS: Feed(POS, "store_id", "status", "total", "created_at", "updated_at", version_is_time=True),
    OMS: Feed(
        OMS,
        "location_id",
        "state",
        "order_total",
        "placed_at",
        "revision",
        version_is_time=False,
        other_times=("modified_at",),
    ),
}


@dataclass(frozen=True)
class Record:
    """A canonical record, and where it was read."""

    system: str
    activity_id: str
    version: int
    counterparty_id: str
    status: str
    source_status: str
    currency: str
    amount_minor: int
    event_at: datetime
    business_date: date
    description: str | None
    received_at: datetime
    delivery: int
    row_number: int
    last_received_at: datetime | None = None  # of any of its copies

    @property
    def content(self) -> tuple[object, ...]:
        """The business content: what makes two records of one version copies of each other."""
        return (
            self.counterparty_id,
            self.source_status,
            self.currency,
            self.amount_minor,
            self.event_at,
            self.description,
        )


@dataclass(frozen=True)
class Reject:
    """A delivered record that does not type: `reasons` are (column, code)."""

    feed: str
    activity_id: str | None
    version: int | None
    received_at: datetime
    delivery: int
    file: str
    row_number: int
    reasons: tuple[tuple[str, str], ...]

    @property
    def codes(self) -> tuple[str, ...]:
        """The distinct reason codes, sorted."""
        return tuple(sorted({code for _, code in self.reasons}))


@dataclass(frozen=True)
class Disposed:
    """A valid record and what became of it; `ordinal` numbers the copies of one content from 1, for surplus copies."""

    record: Record
    disposition: str
    ordinal: int | None = None


def read(
    deliveries: Iterable[Delivery], exponents: Mapping[str, int], feeds: Mapping[str, Feed] = FEEDS
) -> tuple[list[Record], list[Reject]]:
    """Type every record of the record feeds among the deliveries."""
    records: list[Record] = []
    rejects: list[Reject] = []
    for index, delivery in enumerate(deliveries):
        if delivery.feed not in feeds:
            continue
        for row_number, row in enumerate(delivery.rows, start=1):
            typed = _type(row, feeds[delivery.feed], exponents, delivery, index, row_number)
            (records if isinstance(typed, Record) else rejects).append(typed)  # type: ignore[arg-type]
    return records, rejects


def _type(
    row: dict[str, str], feed: Feed, exponents: Mapping[str, int], delivery: Delivery, index: int, row_number: int
) -> Record | Reject:
    value = {name: text.trimmed(row.get(name)) for name in (*feed.header, "description")}
    reasons: list[tuple[str, str]] = []

    def typed(name: str, parse: "object") -> object:
        """The column's typed value, or None and a reason."""
        if value[name] is None:
            return None
        try:
            return parse(value[name])  # type: ignore[operator]
        except text.UnreadableError as fault:
            reasons.append((name, fault.code))
            return None

    for name in feed.header:
        if value[name] is None:
            reasons.append((name, text.MISSING_ID if name == "order_id" else text.MISSING_VALUE))

    currency = typed("currency", lambda t: text.parse_currency(t, exponents))
    exponent = exponents[currency] if isinstance(currency, str) else None
    amount = typed(feed.amount, lambda t: text.parse_amount(t, exponent, feed.decimal_mark, feed.grouping_mark))
    event_at = typed(feed.event, lambda t: text.parse_time(t, feed.time_zone))
    for name in feed.other_times:
        typed(name, lambda t: text.parse_time(t, feed.time_zone))
    if feed.version_is_time:
        version = typed(feed.version, lambda t: text.microseconds(text.parse_time(t, feed.time_zone)))
    else:
        version = typed(feed.version, text.parse_integer)

    if reasons:
        return Reject(
            delivery.feed,
            value["order_id"],
            version,  # type: ignore[arg-type]
            delivery.received_at,
            index,
            delivery.file,
            row_number,
            tuple(reasons),
        )
    assert isinstance(event_at, datetime)
    status = value[feed.status]
    assert status is not None
    return Record(
        system=feed.system,
        activity_id=value["order_id"],  # type: ignore[arg-type]
        version=version,  # type: ignore[arg-type]
        counterparty_id=value[feed.counterparty],  # type: ignore[arg-type]
        status=STATUSES[feed.system].get(text.ascii_lower(status), UNKNOWN),
        source_status=status,
        currency=currency,  # type: ignore[arg-type]
        amount_minor=amount,  # type: ignore[arg-type]
        event_at=event_at,
        business_date=event_at.astimezone(ZoneInfo(feed.time_zone)).date(),
        description=value["description"],
        received_at=delivery.received_at,
        delivery=index,
        row_number=row_number,
    )


def dispose(records: Iterable[Record]) -> list[Disposed]:
    """What becomes of each record of one system: live, superseded, surplus copy, re-delivered or conflicting."""
    by_activity: defaultdict[str, defaultdict[tuple[int, tuple[object, ...]], list[Record]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for record in records:
        by_activity[record.activity_id][(record.version, record.content)].append(record)

    disposed: list[Disposed] = []
    for contents in by_activity.values():
        highest = max(version for version, _ in contents)
        receipts = {key: max(r.received_at for r in copies) for key, copies in contents.items() if key[0] == highest}
        latest = {key for key, receipt in receipts.items() if receipt == max(receipts.values())}
        for key, copies in contents.items():
            copies.sort(key=lambda r: (r.received_at, r.delivery, r.row_number))
            surplus = max(Counter(r.delivery for r in copies).values()) - 1
            fate = SUPERSEDED if key not in latest else LIVE if len(latest) == 1 else CONFLICTING
            told = replace(copies[0], last_received_at=copies[-1].received_at)
            disposed.append(Disposed(told, fate))
            for number, copy in enumerate(copies[1:], start=2):
                extra = number <= surplus + 1
                disposed.append(Disposed(copy, SURPLUS if extra else REDELIVERED, number if extra else None))
    return disposed
