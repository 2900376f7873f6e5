"""Short ways to write deliveries down: a readable test needs little more than what is special about a record."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from tests.python.oracle.deliveries import OMS, POLICIES, POS, Delivery
from tests.python.oracle.policies import FIELDS
from tests.python.oracle.records import FEEDS

HEADERS = {
    POS: (*FEEDS[POS].header, "description"),
    OMS: (*FEEDS[OMS].header, "description"),
    POLICIES: ("stream", "counterparty_id", *FIELDS, "valid_from"),
}


def at(text: str) -> datetime:
    """A time in UTC written `MM-DD HH:MM[:SS]` of the year 2026."""
    day, clock = text.split(" ")
    return datetime.fromisoformat(f"2026-{day}T{clock}").replace(tzinfo=UTC)


def stamp(when: datetime) -> str:
    """A time as a feed writes it, with microseconds only where there are some."""
    return when.astimezone(UTC).isoformat().replace("+00:00", "Z")


def moved(text: str, **shift: float) -> str:
    """A written time, shifted by `timedelta` arguments."""
    return stamp(datetime.fromisoformat(text) + timedelta(**shift))


NOON = "2026-03-02T12:00:00Z"


def pos(order_id: str = "A", **fields: str) -> dict[str, str]:
    """A POS record; fields that are not given are those of one plain order."""
    row = {
        "order_id": order_id,
        "store_id": "S1",
        "status": "PAID",
        "currency": "USD",
        "total": "10.00",
        "created_at": NOON,
        "updated_at": NOON,
        "description": "",
    }
    return {**row, **fields}


def oms(order_id: str = "A", **fields: str) -> dict[str, str]:
    """An OMS record; fields that are not given are those of the same plain order."""
    row = {
        "order_id": order_id,
        "location_id": "S1",
        "state": "created",
        "currency": "USD",
        "order_total": "10.00",
        "placed_at": NOON,
        "modified_at": NOON,
        "revision": "1",
        "description": "",
    }
    return {**row, **fields}


def policy(**fields: str) -> dict[str, str]:
    """A policy row for the stream, blank where nothing is given."""
    return {**dict.fromkeys(HEADERS[POLICIES], ""), "stream": "pos_oms_orders", **fields}


def delivered(feed: str, when: str | datetime, rows: Iterable[dict[str, str]], file: str = "") -> Delivery:
    """A delivery of a feed with its usual header."""
    received = at(when) if isinstance(when, str) else when
    return Delivery(feed, received, tuple(rows), HEADERS[feed], file)
