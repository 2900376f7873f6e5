"""Policies: thresholds per org, stream and counterparty, with periods and inheritance."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from tests.python.oracle import text
from tests.python.oracle.deliveries import POLICIES, Delivery
from tests.python.oracle.records import Reject

COUNTERPARTY_WITHOUT_STREAM = "counterparty_without_stream"
CONTRADICTING_POLICIES = "contradicts_another_row_received_together"


@dataclass(frozen=True)
class Policy:
    """Thresholds that govern a record; a field of a row may be None and then inherits."""

    price_abs_minor: int | None = 0
    price_pct: Fraction | None = Fraction(0)
    skew_seconds: int | None = 900
    grace_minutes: int | None = 60


DEFAULT = Policy()
FIELDS = ("price_abs_minor", "price_pct", "skew_seconds", "grace_minutes")
# None is negative. Beyond these it is no tolerance any more: ten years of time, a thousand times an amount.
MAXIMA = {"price_abs_minor": 10**15, "price_pct": 1000, "skew_seconds": 3650 * 86400, "grace_minutes": 3650 * 1440}


@dataclass(frozen=True)
class PolicyRow:
    """One delivered row: its scope (blank is None), its first business date and its thresholds."""

    stream: str | None
    counterparty_id: str | None
    valid_from: date | None
    policy: Policy
    received_at: datetime

    @property
    def place(self) -> tuple[str | None, str | None, date | None]:
        """What two rows must share to contradict or to replace each other."""
        return self.stream, self.counterparty_id, self.valid_from


def _within_limits(name: str, value: object) -> object:
    """A typed value, unless it is one that its field does not take."""
    if name in MAXIMA and value < 0:  # type: ignore[operator]
        raise text.UnreadableError(text.BELOW_MINIMUM)
    if name in MAXIMA and value > MAXIMA[name]:  # type: ignore[operator]
        raise text.UnreadableError(text.ABOVE_MAXIMUM)
    return value


def read_policies(deliveries: Iterable[Delivery]) -> tuple[list[PolicyRow], list[Reject]]:
    """Type the policies among the deliveries; rows that contradict each other, received together, are rejected."""
    rejects: list[Reject] = []
    rows: list[tuple[PolicyRow, Reject]] = []
    for index, delivery in enumerate(deliveries):
        if delivery.feed != POLICIES:
            continue
        for row_number, raw in enumerate(delivery.rows, start=1):
            value = {name: text.trimmed(raw.get(name)) for name in ("stream", "counterparty_id", "valid_from", *FIELDS)}
            reasons: list[tuple[str, str]] = []
            parsed: dict[str, object] = {}
            for name, parse in (
                ("price_abs_minor", text.parse_integer),
                ("price_pct", text.parse_decimal),
                ("skew_seconds", text.parse_integer),
                ("grace_minutes", text.parse_integer),
                ("valid_from", text.parse_date),
            ):
                cell = value[name]
                try:
                    parsed[name] = None if cell is None else _within_limits(name, parse(cell))
                except text.UnreadableError as fault:
                    reasons.append((name, fault.code))
            if value["counterparty_id"] is not None and value["stream"] is None:
                reasons.append(("counterparty_id", COUNTERPARTY_WITHOUT_STREAM))
            reject = Reject(
                POLICIES, None, None, delivery.received_at, index, delivery.file, row_number, tuple(reasons)
            )
            if reasons:
                rejects.append(reject)
                continue
            row = PolicyRow(
                value["stream"],
                value["counterparty_id"],
                parsed["valid_from"],  # type: ignore[arg-type]
                Policy(*(parsed[name] for name in FIELDS)),  # type: ignore[arg-type]
                delivery.received_at,
            )
            rows.append((row, reject))

    together: defaultdict[object, set[Policy]] = defaultdict(set)
    for row, _ in rows:
        together[(row.place, row.received_at)].add(row.policy)
    accepted = []
    for row, reject in rows:
        if len(together[(row.place, row.received_at)]) > 1:
            rejects.append(
                Reject(
                    POLICIES,
                    None,
                    None,
                    reject.received_at,
                    reject.delivery,
                    reject.file,
                    reject.row_number,
                    (("stream", CONTRADICTING_POLICIES),),
                )
            )
        else:
            accepted.append(row)
    return accepted, rejects


def resolve(rows: Iterable[PolicyRow], stream: str, counterparty_id: str, business_date: date) -> Policy:
    """The policy of a record: the winning row of each scope, its blanks inherited from the next wider one."""
    rows = list(rows)
    fields: dict[str, object] = {}
    for scope in ((stream, counterparty_id), (stream, None), (None, None)):
        governing = [
            row
            for row in rows
            if (row.stream, row.counterparty_id) == scope
            and (row.valid_from is None or row.valid_from <= business_date)
        ]
        if not governing:
            continue
        winner = max(governing, key=lambda row: (row.valid_from or date.min, row.received_at))
        for name in FIELDS:
            if getattr(winner.policy, name) is not None:
                fields.setdefault(name, getattr(winner.policy, name))
    return Policy(*(fields.get(name, getattr(DEFAULT, name)) for name in FIELDS))  # type: ignore[arg-type]
