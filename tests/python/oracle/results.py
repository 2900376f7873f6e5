"""Result rows and the hash over their business columns."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

HASH_COLUMNS = (
    "org_id",
    "stream",
    "step",
    "result",
    "anomalies",
    "source_system",
    "source_activity_id",
    "target_system",
    "target_activity_id",
    "counterparty_id",
    "business_date",
    "source_currency",
    "target_currency",
    "source_amount_minor",
    "target_amount_minor",
    "difference_minor",
    "source_status",
    "target_status",
    "skew_microseconds",
)


@dataclass(frozen=True)
class ResultRow:
    """One row of `marts.reconciliation_results`: the columns of the hash, then what is useful beside them.

    The id of a surplus copy stands without its ordinal, which is a field of its own.
    """

    org_id: str
    stream: str
    step: str
    result: str
    anomalies: str
    source_system: str | None = None
    source_activity_id: str | None = None
    target_system: str | None = None
    target_activity_id: str | None = None
    counterparty_id: str | None = None
    business_date: date | None = None
    source_currency: str | None = None
    target_currency: str | None = None
    source_amount_minor: int | None = None
    target_amount_minor: int | None = None
    difference_minor: int | None = None
    source_status: str | None = None
    target_status: str | None = None
    skew_microseconds: int | None = None
    reason: str | None = None
    is_late: bool = False
    late_by_seconds: int | None = None
    ordinal: int | None = None

    def business(self) -> tuple[str | None, ...]:
        """The columns of the hash as texts; a surplus copy's id ends in its ordinal."""
        texts = []
        for name in HASH_COLUMNS:
            value = getattr(self, name)
            if isinstance(value, date):
                value = value.isoformat()
            elif isinstance(value, int):
                value = str(value)
            if self.ordinal is not None and name.endswith("_activity_id") and value is not None:
                value = f"{value}#{self.ordinal}"
            texts.append(value)
        return tuple(texts)


def results_hash(rows: Iterable[ResultRow]) -> str:
    """The order-free hash of results: SHA-256 of `<count>:<sum of 60 bits of each row's MD5>`."""
    return hash_of_texts(row.business() for row in rows)


def hash_of_texts(rows: Iterable[tuple[str | None, ...]]) -> str:
    """The same over rows that are texts already."""
    count = total = 0
    for row in rows:
        joined = "\x1f".join("\x1e" if value is None else value for value in row)
        total += int(hashlib.md5(joined.encode("utf-8")).hexdigest()[:15], 16)
        count += 1
    return hashlib.sha256(f"{count}:{total}".encode("ascii")).hexdigest()
