"""The rules of bookings once more, in plain Python and exact fractions, for small orgs: what the SQL must agree with.

It knows nothing of steps, touched keys or modes: everything that was received by a moment is judged anew.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.python.bookings.world import AGGREGATOR, POLICIES, RATES, SUPPLIER, Row

EXPONENTS = {"EUR": 2, "USD": 2, "GBP": 2, "JPY": 0, "KWD": 3}
STATUSES = {"confirmed": "BOOKED", "booked": "BOOKED", "cancelled": "CANCELLED", "refunded": "REFUNDED"}
ALIGNED = {("CANCELLED", "REFUNDED"), ("REFUNDED", "CANCELLED")}
MOST_CONVERTED, MOST_IN_BASE = 10**15, 4 * 10**18
NANO = 10**9

# (org's delivery) feed, when it came, its rows
Delivery = tuple[str, datetime, tuple[Row, ...]]


@dataclass(frozen=True)
class Policy:
    """What governs a record; None is blank and inherits."""

    price_abs_minor: int | None = 0
    price_pct: Fraction | None = Fraction(0)
    skew_seconds: int | None = 900
    grace_minutes: int | None = 60
    price_basis: str | None = "BASE"
    base_currency: str | None = None
    fx_max_age_days: int | None = 7
    fx_pivot: str | None = "NONE"
    mode: str | None = "DAILY"


FIELDS = tuple(Policy.__dataclass_fields__)
TYPES = {"price_pct": Fraction, "price_basis": str, "base_currency": str, "fx_pivot": str, "mode": str}


@dataclass(frozen=True)
class Verdict:
    """A result as it is compared."""

    result: str
    anomalies: str
    source_id: str | None
    target_id: str | None
    source_base: int | None = None
    target_base: int | None = None
    reason: str | None = None
    is_late: bool = False


def minor(row: Row) -> int:
    """The amount in minor units."""
    amount = Fraction(row["amount"]) * 10 ** EXPONENTS[row["currency"]]
    assert amount.denominator == 1
    return amount.numerator


def event_at(row: Row) -> datetime:
    """When the event took place."""
    return datetime.fromisoformat(row["event_time"]).astimezone(UTC)


def day(row: Row) -> date:
    """The business date."""
    return event_at(row).date()


class Org:
    """What one org delivered by a moment."""

    def __init__(self, deliveries: Iterable[Delivery], as_of: datetime) -> None:
        known = [delivery for delivery in deliveries if delivery[1] <= as_of]
        self.as_of = as_of
        self.deliveries: dict[str, list[tuple[datetime, tuple[Row, ...]]]] = defaultdict(list)
        for feed, received_at, rows in sorted(known, key=lambda delivery: delivery[1]):
            before = [content for _, content in self.deliveries[feed]]
            # The same bytes again are nothing; where a feed sets state, only those of the last one are the same again.
            if rows in (before[-1:] if feed in (POLICIES, RATES) else before):
                continue
            self.deliveries[feed].append((received_at, rows))

    # --- terms ---------------------------------------------------------------------------------------------------

    def policy(self, supplier: str, when: date) -> Policy:
        """What governs a supplier's records of a day: of each scope the statement that began last, then that came
        last; what it leaves blank is the next wider scope's."""
        fields: dict[str, Any] = {}
        for scope in (("bookings", supplier), ("bookings", ""), ("", "")):
            governing = [
                ((row.get("valid_from") or "0001-01-01", received_at), row)
                for received_at, rows in self.deliveries[POLICIES]
                for row in rows
                if (row["stream"], row["counterparty_id"]) == scope
                and (row.get("valid_from") or "0001-01-01") <= when.isoformat()
            ]
            if not governing:
                continue
            # A later statement of one place takes the whole place of the earlier one.
            winner = max(governing, key=lambda found: found[0])[1]
            for name in FIELDS:
                if winner.get(name):
                    fields.setdefault(name, TYPES.get(name, int)(winner[name]))
        return Policy(**fields)

    def quotes(self) -> dict[tuple[str, str], dict[date, Fraction]]:
        """The rates that count, by pair and day: the last statement, unless it contradicts one received with it."""
        stated: dict[tuple[str, str, str], dict[datetime, set[tuple[str, str]]]] = defaultdict(lambda: defaultdict(set))
        for received_at, rows in self.deliveries[RATES]:
            for row in rows:
                place = (row["from_currency"], row["to_currency"], row["date"])
                stated[place][received_at].add((row["rate"], row["source"]))
        found: dict[tuple[str, str], dict[date, Fraction]] = defaultdict(dict)
        for (out_of, into, when), by_moment in stated.items():
            for _, contents in sorted(by_moment.items()):
                ((value, _), *others) = contents
                if not others and Fraction(value) > 0:
                    found[(out_of, into)][date.fromisoformat(when)] = Fraction(value)
        return found

    def _latest(self, out_of: str, into: str, when: date) -> tuple[date, Fraction] | None:
        """The latest quote of a pair up to a day, of either way round; of one day its own way."""
        quotes = self.quotes()
        turned = {each: 1 / value for each, value in quotes[(into, out_of)].items()}
        known = {each: value for each, value in {**turned, **quotes[(out_of, into)]}.items() if each <= when}
        return (max(known), known[max(known)]) if known else None

    def rate(self, out_of: str, into: str, when: date, policy: Policy) -> Fraction | None:
        """The rate of a day: the youngest, directly or over the pivot, unless it is too old."""
        best = self._latest(out_of, into, when)
        pivot = policy.fx_pivot
        if pivot and pivot not in ("NONE", out_of, into):
            first, second = self._latest(out_of, pivot, when), self._latest(pivot, into, when)
            if first and second:
                product = round(first[1] * second[1] * NANO)
                quoted = min(first[0], second[0])
                if 1 <= product <= 10**18 - 1 and (best is None or quoted > best[0]):
                    best = (quoted, Fraction(product, NANO))
        if best is None or when - best[0] > timedelta(days=policy.fx_max_age_days or 0):
            return None
        return best[1]

    # --- records -------------------------------------------------------------------------------------------------

    def live(self, feed: str) -> dict[str, list[tuple[Row, datetime]]]:
        """By id: the contents of the highest version that were received last, each with when it came first. More than
        one contradict each other."""
        came: dict[str, dict[tuple[tuple[str, str], ...], list[datetime]]] = defaultdict(lambda: defaultdict(list))
        for received_at, rows in self.deliveries[feed]:
            for row in rows:
                came[row["activity_id"]][tuple(sorted(row.items()))].append(received_at)
        found = {}
        for activity_id, contents in came.items():
            highest = max(int(dict(content)["version"]) for content in contents)
            of_version = {c: times for c, times in contents.items() if int(dict(c)["version"]) == highest}
            last = max(max(times) for times in of_version.values())
            found[activity_id] = [(dict(c), min(times)) for c, times in of_version.items() if max(times) == last]
        return found

    def surplus(self, feed: str) -> Counter[str]:
        """By id: how many copies are too many. Of one content, the most in a delivery less one."""
        most: Counter[tuple[str, tuple[tuple[str, str], ...]]] = Counter()
        for _, rows in self.deliveries[feed]:
            for key, count in Counter((row["activity_id"], tuple(sorted(row.items()))) for row in rows).items():
                most[key] = max(most[key], count)
        found: Counter[str] = Counter()
        for (activity_id, _), count in most.items():
            found[activity_id] += count - 1
        return found

    # --- verdicts ------------------------------------------------------------------------------------------------

    def verdicts(self) -> Counter[Verdict]:
        """Everything that is said."""
        sources, targets = self.live(AGGREGATOR), self.live(SUPPLIER)
        found: Counter[Verdict] = Counter()
        for activity_id in sources.keys() | targets.keys():
            found.update(self._of_id(activity_id, sources.get(activity_id, []), targets.get(activity_id, [])))
        for feed, anomaly in ((AGGREGATOR, "DUPLICATE_AGGREGATOR"), (SUPPLIER, "DUPLICATE_SUPPLIER")):
            for activity_id, count in self.surplus(feed).items():
                ids = (activity_id, None) if feed == AGGREGATOR else (None, activity_id)
                found[Verdict("DUPLICATE", anomaly, *ids)] += count
        return +found

    def findings(self) -> set[tuple[str, str]]:
        """What the supplier's records say of each other: (anomaly, id) of live records."""
        ever = [row for _, rows in self.deliveries[SUPPLIER] for row in rows]
        found = set()
        for activity_id, contents in self.live(SUPPLIER).items():
            if len(contents) > 1:
                continue
            row = contents[0][0]
            of_booking = [other for other in ever if other["order_ref"] == row["order_ref"]]
            if any(
                other["activity_id"] == activity_id
                and int(other["version"]) < int(row["version"])
                and event_at(other) > event_at(row)
                for other in ever
            ):
                found.add(("VERSION_WENT_BACK", activity_id))
            if (
                row["activity_type"] == "REFUND"
                and row["order_ref"]
                and not any(
                    other["activity_type"] == "SALE"
                    and event_at(other) <= event_at(row)
                    and other["currency"] == row["currency"]
                    and abs(minor(other)) >= abs(minor(row))
                    for other in of_booking
                )
            ):
                found.add(("REFUND_WITHOUT_SALE", activity_id))
        return found

    def _of_id(
        self, activity_id: str, sources: Sequence[tuple[Row, datetime]], targets: Sequence[tuple[Row, datetime]]
    ) -> Iterable[Verdict]:
        conflicts = ["CONFLICT_AGGREGATOR"] * (len(sources) > 1) + ["CONFLICT_SUPPLIER"] * (len(targets) > 1)
        if conflicts:
            said = ",".join(conflicts)
            yield from (Verdict("AMBIGUOUS", said, activity_id, None) for _ in sources)
            yield from (Verdict("AMBIGUOUS", said, None, activity_id) for _ in targets)
        elif sources and targets:
            yield self._pair(*sources[0], *targets[0])
        else:
            yield self._alone(activity_id, (sources or targets)[0][0], is_source=bool(sources))

    def _alone(self, activity_id: str, row: Row, is_source: bool) -> Verdict:
        ids = (activity_id, None) if is_source else (None, activity_id)
        due = event_at(row) + timedelta(minutes=self.policy(row["supplier_id"], day(row)).grace_minutes or 0)
        if not self.deliveries[SUPPLIER if is_source else AGGREGATOR]:
            return Verdict("PENDING", "", *ids, reason="FEED_LATE")
        if due > self.as_of:
            return Verdict("PENDING", "", *ids, reason="IN_GRACE")
        absent = ("TARGET", "SUPPLIER") if is_source else ("SOURCE", "AGGREGATOR")
        return Verdict(f"MISSING_{absent[0]}", f"MISSING_{absent[1]}", *ids)

    def _pair(self, source: Row, source_came: datetime, target: Row, target_came: datetime) -> Verdict:
        policy = self.policy(source["supplier_id"], day(source))
        anomalies = set()
        base: list[int | None] = [None, None]
        amounts: list[int | None] = [minor(source), minor(target)]
        is_compared = source["currency"] == target["currency"]
        if policy.price_basis == "BASE":
            into = policy.base_currency or source["currency"]
            base = [self._converted(row, into, day(source), policy) for row in (source, target)]
            needed = [row["currency"] for row in (source, target) if row["currency"] != into]
            is_compared = all(self.rate(out_of, into, day(source), policy) is not None for out_of in needed)
            amounts = base
            if not is_compared:
                anomalies.add("FX_RATE_MISSING")
        elif not is_compared:
            anomalies.add("CURRENCY_MISMATCH")
        if is_compared and _differ(amounts[0], amounts[1], policy):
            anomalies.add("PRICE_MISMATCH")
        statuses = (STATUSES[source["status"].lower()], STATUSES[target["status"].lower()])
        if statuses[0] != statuses[1] and statuses not in ALIGNED:
            anomalies.add("STATUS_MISMATCH")
        if abs(event_at(target) - event_at(source)) > timedelta(seconds=policy.skew_seconds or 0):
            anomalies.add("TIMESTAMP_SKEW")
        if any(_tell_apart(name, source.get(name, ""), target.get(name, "")) for name in ("guest_name", "nights")):
            anomalies.add("ATTRIBUTE_MISMATCH")
        (_, first), (came, _) = sorted(((source_came, source), (target_came, target)), key=lambda side: side[0])
        due = event_at(first) + timedelta(minutes=policy.grace_minutes or 0)
        return Verdict(
            "MISMATCHED" if anomalies else "MATCHED",
            ",".join(sorted(anomalies)),
            source["activity_id"],
            target["activity_id"],
            *base,
            is_late=source_came != target_came and came > due,
        )

    def _converted(self, row: Row, into: str, when: date, policy: Policy) -> int | None:
        amount = minor(row)
        if row["currency"] == into:
            return amount
        rate = self.rate(row["currency"], into, when, policy)
        if rate is None or abs(amount) >= MOST_CONVERTED:
            return None
        # Python rounds a fraction that is exactly half to the even neighbour.
        value = round(amount * rate * Fraction(10) ** (EXPONENTS[into] - EXPONENTS[row["currency"]]))
        return value if abs(value) < MOST_IN_BASE else None


def _differ(source: int | None, target: int | None, policy: Policy) -> bool:
    if source is None or target is None:
        return True
    return abs(source - target) > max(policy.price_abs_minor or 0, (policy.price_pct or 0) * abs(source))


def _tell_apart(name: str, source: str, target: str) -> bool:
    if not source or not target:
        return False
    if name == "guest_name":
        source, target = ("".join(letter for letter in text.lower() if letter.isalnum()) for text in (source, target))
    return source != target


def judged_hourly(org: Org, activity_id: str) -> bool:
    """Whether an hourly run says of an id all that is known: its terms are those of the aggregator's record, where
    there is one, and new terms wait with its supplier. All events here lie within the window."""
    contents = org.live(AGGREGATOR).get(activity_id) or org.live(SUPPLIER)[activity_id]
    return all(org.policy(row["supplier_id"], day(row)).mode == "HOURLY" for row, _ in contents)
