"""What arrives: deliveries, and which of them count."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

POS = "pos/orders"
OMS = "oms/orders"
POLICIES = "tieout/policies"


@dataclass(frozen=True)
class Delivery:
    """One file of one feed of one org: its header and its records, all text as delivered."""

    feed: str
    received_at: datetime
    rows: tuple[dict[str, str], ...]
    header: tuple[str, ...]
    file: str = ""

    @property
    def content(self) -> object:
        """Equal for two deliveries exactly when their bytes are."""
        return self.header, tuple(tuple(row.get(name, "") for name in self.header) for row in self.rows)


def counting(deliveries: Iterable[Delivery], as_of: datetime) -> list[Delivery]:
    """The deliveries that count at `as_of`, oldest first.

    Records: a content counts once for ever. State: a content counts when it differs from the last one of its feed.
    """
    seen: dict[str, list[object]] = {}
    kept = []
    for delivery in sorted(deliveries, key=lambda d: d.received_at):
        if delivery.received_at > as_of:
            continue
        before = seen.setdefault(delivery.feed, [])
        known = before[-1:] if delivery.feed == POLICIES else before
        if delivery.content in known:
            continue
        before.append(delivery.content)
        kept.append(delivery)
    return kept
