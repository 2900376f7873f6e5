"""The ladder `pos_oms_orders`: by order id, then by store, amount and time; what is left is missing or pending."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from fractions import Fraction

from tests.python.oracle.policies import Policy
from tests.python.oracle.records import CONFLICTING, LIVE, SURPLUS, UNKNOWN, Disposed, Record, Reject
from tests.python.oracle.results import ResultRow
from tests.python.oracle.text import microseconds

STREAM = "pos_oms_orders"
BY_ORDER_ID = "by_order_id"
BY_STORE_AMOUNT_TIME = "by_store_amount_time"
UNMATCHED = "unmatched"
DUPLICATES = "duplicates"
WINDOW = timedelta(minutes=15)

PolicyOf = Callable[[Record], Policy]


def ladder(
    org_id: str,
    source: Iterable[Disposed],
    target: Iterable[Disposed],
    rejects: Iterable[Reject],
    delivered: frozenset[str],
    policy_of: PolicyOf,
    as_of: datetime,
) -> list[ResultRow]:
    """All result rows of one org at `as_of`. `delivered` are the systems whose feed has ever delivered."""
    source, target, rejects = list(source), list(target), list(rejects)
    rows = [_surplus(org_id, d) for d in (*source, *target) if d.disposition == SURPLUS]

    # Step 1: one live record a side and id, unless a side's records conflict.
    left_source: list[Record] = []
    left_target: list[Record] = []
    sources = [d for d in source if d.disposition in (LIVE, CONFLICTING)]
    targets = [d for d in target if d.disposition in (LIVE, CONFLICTING)]
    for activity_id in {d.record.activity_id for d in (*sources, *targets)}:
        mine = [d for d in sources if d.record.activity_id == activity_id]
        theirs = [d for d in targets if d.record.activity_id == activity_id]
        conflicts = {d.record.system for d in (*mine, *theirs) if d.disposition == CONFLICTING}
        if conflicts:
            anomalies = {f"CONFLICT_{system.upper()}" for system in conflicts}
            rows += [_alone(org_id, BY_ORDER_ID, "AMBIGUOUS", anomalies, d.record) for d in (*mine, *theirs)]
        elif mine and theirs:
            rows.append(_pair(org_id, BY_ORDER_ID, mine[0].record, theirs[0].record, set(), rejects, policy_of))
        else:
            left_source += [d.record for d in mine]
            left_target += [d.record for d in theirs]

    # Step 2: only a pair in which each is the other's only candidate matches; any larger knot is refused.
    candidates = [(s, t) for s in left_source for t in left_target if _within_window(s, t)]
    for pair in candidates:
        alone = all(pair == other or (pair[0] != other[0] and pair[1] != other[1]) for other in candidates)
        if alone:
            rows.append(_pair(org_id, BY_STORE_AMOUNT_TIME, *pair, {"ID_MISMATCH"}, rejects, policy_of))
            left_source.remove(pair[0])
            left_target.remove(pair[1])
    for record in [*left_source, *left_target]:
        if any(record in pair for pair in candidates):
            rows.append(_alone(org_id, BY_STORE_AMOUNT_TIME, "AMBIGUOUS", {"AMBIGUOUS_MATCH"}, record))
            continue
        rows.append(_left_over(org_id, record, rejects, delivered, policy_of(record), as_of))
    return rows


def _within_window(source: Record, target: Record) -> bool:
    """Whether step 2 holds the two for candidates: equal keys, event times at most the window apart."""
    return (
        source.counterparty_id == target.counterparty_id
        and source.currency == target.currency
        and source.amount_minor == target.amount_minor
        and abs(source.event_at - target.event_at) <= WINDOW
    )


def _left_over(
    org_id: str, record: Record, rejects: list[Reject], delivered: frozenset[str], policy: Policy, as_of: datetime
) -> ResultRow:
    """The verdict on a record that the whole ladder left."""
    other = "oms" if record.system == "pos" else "pos"
    assert policy.grace_minutes is not None
    if other not in delivered:
        return _alone(org_id, UNMATCHED, "PENDING", set(), record, reason="FEED_LATE")
    if record.event_at + timedelta(minutes=policy.grace_minutes) > as_of:
        return _alone(org_id, UNMATCHED, "PENDING", set(), record, reason="IN_GRACE")
    rejected = any(r.feed.split("/")[0] == other and r.activity_id == record.activity_id for r in rejects)
    anomaly = f"{'REJECTED' if rejected else 'MISSING'}_{other.upper()}"
    result = "MISSING_TARGET" if record.system == "pos" else "MISSING_SOURCE"
    return _alone(org_id, UNMATCHED, result, {anomaly}, record)


def _pair(
    org_id: str,
    step: str,
    source: Record,
    target: Record,
    anomalies: set[str],
    rejects: list[Reject],
    policy_of: PolicyOf,
) -> ResultRow:
    """A match: every check runs, the policy is the source's."""
    policy = policy_of(source)
    assert policy.price_abs_minor is not None
    assert policy.price_pct is not None
    assert policy.skew_seconds is not None
    assert policy.grace_minutes is not None
    difference = None
    if source.currency != target.currency:
        anomalies |= {"CURRENCY_MISMATCH"}
    else:
        difference = source.amount_minor - target.amount_minor
        limit = max(Fraction(policy.price_abs_minor), policy.price_pct * abs(source.amount_minor))
        if abs(difference) > limit:
            anomalies |= {"PRICE_MISMATCH"}
    if source.status != target.status or source.status == UNKNOWN:
        anomalies |= {"STATUS_MISMATCH"}
    skew = microseconds(target.event_at) - microseconds(source.event_at)
    if abs(skew) > policy.skew_seconds * 1_000_000:
        anomalies |= {"TIMESTAMP_SKEW"}
    if any(_makes_stale(reject, side) for reject in rejects for side in (source, target)):
        anomalies |= {"STALE_VERSION"}

    late_by = None
    if source.received_at != target.received_at:
        later, earlier = sorted((source, target), key=lambda r: r.received_at, reverse=True)
        timer = earlier.event_at + timedelta(minutes=policy.grace_minutes)
        if later.received_at > timer:
            late_by = (later.received_at - timer) // timedelta(seconds=1)
    return ResultRow(
        org_id=org_id,
        stream=STREAM,
        step=step,
        result="MISMATCHED" if anomalies else "MATCHED",
        anomalies=",".join(sorted(anomalies)),
        source_system=source.system,
        source_activity_id=source.activity_id,
        target_system=target.system,
        target_activity_id=target.activity_id,
        counterparty_id=source.counterparty_id,
        business_date=source.business_date,
        source_currency=source.currency,
        target_currency=target.currency,
        source_amount_minor=source.amount_minor,
        target_amount_minor=target.amount_minor,
        difference_minor=difference,
        source_status=source.status,
        target_status=target.status,
        skew_microseconds=skew,
        is_late=late_by is not None,
        late_by_seconds=late_by,
    )


def _makes_stale(reject: Reject, record: Record) -> bool:
    """Whether a reject hides a newer version of the record."""
    if reject.feed.split("/")[0] != record.system or reject.activity_id != record.activity_id:
        return False
    if reject.version is not None:
        return reject.version > record.version
    return reject.received_at > (record.last_received_at or record.received_at)


def _surplus(org_id: str, disposed: Disposed) -> ResultRow:
    """A surplus copy's row: a result of its own beside the record that stands for the content."""
    record = disposed.record
    return _alone(
        org_id, DUPLICATES, "DUPLICATE", {f"DUPLICATE_{record.system.upper()}"}, record, ordinal=disposed.ordinal
    )


def _alone(
    org_id: str,
    step: str,
    result: str,
    anomalies: set[str],
    record: Record,
    reason: str | None = None,
    ordinal: int | None = None,
) -> ResultRow:
    """A row of one record: its own side is filled, the other side is null."""
    side = "source" if record.system == "pos" else "target"
    return ResultRow(
        org_id=org_id,
        stream=STREAM,
        step=step,
        result=result,
        anomalies=",".join(sorted(anomalies)),
        counterparty_id=record.counterparty_id,
        business_date=record.business_date,
        reason=reason,
        ordinal=ordinal,
        **{
            f"{side}_system": record.system,
            f"{side}_activity_id": record.activity_id,
            f"{side}_currency": record.currency,
            f"{side}_amount_minor": record.amount_minor,
            f"{side}_status": record.status,
        },  # type: ignore[arg-type]
    )
