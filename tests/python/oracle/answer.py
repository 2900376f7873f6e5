"""The whole answer for one org: results, rejects, control totals and open exceptions at an `as_of`."""

import csv
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tests.python.oracle.deliveries import OMS, POLICIES, POS, Delivery, counting
from tests.python.oracle.matching import STREAM, ladder
from tests.python.oracle.policies import Policy, read_policies, resolve
from tests.python.oracle.records import (
    CONFLICTING,
    FEEDS,
    LIVE,
    REDELIVERED,
    SUPERSEDED,
    SURPLUS,
    Feed,
    Record,
    Reject,
    dispose,
    read,
)
from tests.python.oracle.results import ResultRow

CURRENCIES = Path(__file__).resolve().parents[3] / "seeds" / "currencies.csv"
# For unit tests of the oracle alone, as long as the seed is not at hand.
FEW_CURRENCIES = {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3}

# org, stream, anomaly, source id, target id (a surplus copy's with its ordinal)
ExceptionKey = tuple[str, str, str, str | None, str | None]


@dataclass(frozen=True)
class Totals:
    """Law 1 in numbers for one feed of one org."""

    landed: int
    rejected: int
    staged: int
    live: int
    superseded: int
    surplus: int
    redelivered: int
    conflicting: int


@dataclass(frozen=True)
class Answer:
    """What Tieout must say about one org."""

    rows: tuple[ResultRow, ...]
    rejects: tuple[Reject, ...]
    totals: dict[str, Totals]
    open_exceptions: frozenset[ExceptionKey]


def currencies() -> dict[str, int]:
    """Exponent by ISO 4217 code, from the seed."""
    if not CURRENCIES.exists():
        return dict(FEW_CURRENCIES)
    with CURRENCIES.open(newline="", encoding="utf-8") as file:
        return {row["currency"]: int(row["exponent"]) for row in csv.DictReader(file)}


def answer(
    org_id: str,
    deliveries: Iterable[Delivery],
    as_of: datetime,
    exponents: Mapping[str, int] | None = None,
    feeds: Mapping[str, Feed] = FEEDS,
) -> Answer:
    """Everything that is known of one org at `as_of`, and of nothing received after it."""
    seen = counting(deliveries, as_of)
    exponents = currencies() if exponents is None else exponents
    records, rejects = read(seen, exponents, feeds)
    policy_rows, policy_rejects = read_policies(seen)

    def policy_of(record: Record) -> Policy:
        return resolve(policy_rows, STREAM, record.counterparty_id, record.business_date)

    disposed = {feed: dispose(r for r in records if r.system == feed.split("/")[0]) for feed in (POS, OMS)}
    rows = ladder(
        org_id,
        disposed[POS],
        disposed[OMS],
        rejects,
        frozenset(d.feed.split("/")[0] for d in seen),
        policy_of,
        as_of,
    )
    totals = {}
    for feed in (POS, OMS):
        fates = Counter(d.disposition for d in disposed[feed])
        rejected = sum(r.feed == feed for r in rejects)
        staged = fates.total()
        totals[feed] = Totals(
            landed=sum(len(d.rows) for d in seen if d.feed == feed),
            rejected=rejected,
            staged=staged,
            live=fates[LIVE],
            superseded=fates[SUPERSEDED],
            surplus=fates[SURPLUS],
            redelivered=fates[REDELIVERED],
            conflicting=fates[CONFLICTING],
        )
    open_exceptions = frozenset(
        (org_id, row.stream, anomaly, row.business()[6], row.business()[8])
        for row in rows
        for anomaly in row.anomalies.split(",")
        if anomaly
    )
    all_rejects = tuple(r for r in (*rejects, *policy_rejects) if r.feed in (POS, OMS, POLICIES))
    return Answer(tuple(rows), all_rejects, totals, open_exceptions)
