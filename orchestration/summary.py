"""What a run came to: the facts read from the marts, and the JSON that other tools rely on."""

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from orchestration.project import Stream
from orchestration.warehouse import Warehouse, literal

RESULTS = ("MATCHED", "MISMATCHED", "MISSING_SOURCE", "MISSING_TARGET", "PENDING", "AMBIGUOUS", "DUPLICATE", "EXCLUDED")

# Results that say something about agreement: a record that still waits, a surplus copy or an excluded one does not.
JUDGED = ("MATCHED", "MISMATCHED", "MISSING_SOURCE", "MISSING_TARGET", "AMBIGUOUS")

LANDED = ("batches", "rows", "rejected", "redelivered", "failed_files")
TIMINGS = ("landing", "load", "dbt", "audit", "publish", "total")
LARGEST = 10


@dataclass(frozen=True)
class Group:
    """Result rows of one org, stream, result and currency. Amounts in minor units: the source's, or the target's
    where there is no source."""

    org_id: str
    stream: str
    result: str
    currency: str | None
    rows: int
    amount_minor: int
    difference_minor: int
    row_hashes: int


@dataclass(frozen=True)
class LargeException:
    """An open exception that stands in the list of the largest."""

    exception_id: str
    org_id: str
    stream: str
    anomaly: str
    currency: str | None
    amount_minor: int | None
    explanation: str | None
    next_action: str | None
    origin: str


@dataclass(frozen=True)
class Balance:
    """The control totals of one kind of balance: how many hold and how many do not."""

    name: str
    held: int
    broken: int


@dataclass(frozen=True)
class PayoutGroup:
    """The payouts of one org, processor, currency and state of `marts.payout_tie_out`; amounts in minor units."""

    org_id: str
    system: str
    currency: str
    state: str
    payouts: int
    payout_minor: int
    deposit_minor: int
    difference_minor: int


@dataclass(frozen=True)
class Facts:
    """What the marts of a warehouse say. Empty where a build that failed has left no mart."""

    streams: list[str]
    # Source and target system of each stream that has just the two.
    systems: dict[str, list[str]] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)
    exponents: dict[str, int] = field(default_factory=dict)
    # None: there is no such mart.
    exceptions_open: int | None = None
    largest: list[LargeException] = field(default_factory=list)
    # Of the books; what files say of themselves is apart, for it says nothing of them.
    balances: list[Balance] = field(default_factory=list)
    file_balances: list[Balance] = field(default_factory=list)
    payouts: list[PayoutGroup] = field(default_factory=list)
    # Of all deliveries: lines that could not be read, and records that could not be typed.
    rejected: int = 0

    @classmethod
    def from_record(cls, content: dict[str, Any]) -> "Facts":
        """The facts that a run record keeps."""
        return cls(
            **{
                **content,
                "groups": [Group(**group) for group in content["groups"]],
                "largest": [LargeException(**item) for item in content["largest"]],
                "balances": [Balance(**balance) for balance in content["balances"]],
                "file_balances": [Balance(**balance) for balance in content.get("file_balances", [])],
                "payouts": [PayoutGroup(**group) for group in content.get("payouts", [])],
            }
        )


@dataclass(frozen=True)
class Summary:
    """A run's answer. Times as `clock.to_text` writes them, timings in seconds."""

    run_id: str
    as_of: str
    target: str
    landed: dict[str, int]
    laws: dict[str, int]
    facts: Facts
    timings: dict[str, float]
    replay: bool
    published: str | None
    failures: list[str]
    # What failed and the books do without: marts that readers keep as they were.
    lapses: list[str] = field(default_factory=list)

    @property
    def closed(self) -> bool:
        return not self.failures

    @classmethod
    def from_record(cls, content: dict[str, Any], facts: dict[str, Any]) -> "Summary":
        """The summary that a run record keeps."""
        kept = {name: content[name] for name in content if name != "streams"}
        return cls(**kept, facts=Facts.from_record(facts))

    def to_json(self) -> dict[str, Any]:
        """The contract of `tieout run --json`."""
        return {
            "run_id": self.run_id,
            "as_of": self.as_of,
            "target": self.target,
            "landed": self.landed,
            "streams": {stream: stream_counts(self.facts, stream) for stream in self.facts.streams},
            "laws": self.laws,
            "timings": self.timings,
            "replay": self.replay,
            "published": self.published,
            "failures": self.failures,
            "lapses": self.lapses,
        }


def stream_counts(facts: Facts, stream: str) -> dict[str, Any]:
    """A stream's result rows by result, and the hash of them all."""
    counts: dict[str, int] = defaultdict(int)
    hashes = 0
    for group in facts.groups:
        if group.stream == stream:
            counts[group.result] += group.rows
            hashes += group.row_hashes
    digest = results_hash(sum(counts.values()), hashes)
    return {**{result.lower(): counts[result] for result in RESULTS}, "results_hash": digest}


def results_hash(rows: int, total: int) -> str:
    """The order-free hash of results: SHA-256 over their number and the sum of their row hashes
    (docs/architecture.md)."""
    return hashlib.sha256(f"{rows}:{total}".encode()).hexdigest()


def read_facts(warehouse: Warehouse, streams: dict[str, Stream], only: str | None = None) -> Facts:
    """Read a warehouse's marts; `only` leaves the other streams out."""
    wanted = [only] if only else list(streams)
    return Facts(
        streams=wanted,
        systems={name: list(streams[name].systems) for name in wanted if streams[name].systems},
        groups=[group for group in _groups(warehouse) if group.stream in wanted],
        exponents=_exponents(warehouse),
        exceptions_open=_exceptions_open(warehouse, wanted),
        largest=largest_exceptions(warehouse, LARGEST, wanted),
        balances=_balances(warehouse, "books"),
        file_balances=_balances(warehouse, "file"),
        payouts=_payouts(warehouse) if "ecommerce_payouts" in wanted else [],
        rejected=_rejected(warehouse),
    )


def _groups(warehouse: Warehouse) -> list[Group]:
    """Counts, money and hashes of all results in one scan."""
    if not warehouse.columns("marts", "reconciliation_results"):
        return []
    found = warehouse.rows(
        "select org_id, stream, result, coalesce(source_currency, target_currency), count(*),"
        " sum(coalesce(source_amount_minor, target_amount_minor, 0)), sum(coalesce(difference_minor, 0)), sum(row_hash)"
        f" from {warehouse.relation('marts', 'reconciliation_results')} group by 1, 2, 3, 4 order by 1, 2, 3, 4"
    )
    return [
        Group(org, stream, result, currency, *(int(number) for number in numbers))
        for org, stream, result, currency, *numbers in found
    ]


def _exponents(warehouse: Warehouse) -> dict[str, int]:
    """Decimals of every currency."""
    if not warehouse.columns("reference", "currencies"):
        return {}
    return dict(warehouse.rows(f"select currency, exponent from {warehouse.relation('reference', 'currencies')}"))


def _exceptions_open(warehouse: Warehouse, streams: list[str]) -> int | None:
    if not warehouse.columns("marts", "exceptions"):
        return None
    return warehouse.rows(
        f"select count(*) from {warehouse.relation('marts', 'exceptions')}"
        f" where state <> 'RESOLVED' and {_among('stream', streams)}"
    )[0][0]


def largest_exceptions(warehouse: Warehouse, limit: int, streams: list[str]) -> list[LargeException]:
    """The open exceptions of the largest amounts. Currencies are compared by their units as they stand: no rate is
    involved."""
    if not warehouse.columns("marts", "exceptions"):
        return []
    found = warehouse.rows(
        "select e.exception_id, e.org_id, e.stream, e.anomaly, e.currency, e.amount_minor, e.explanation,"
        " e.next_action, e.source_file, e.source_row_number, e.target_file, e.target_row_number"
        f" from {warehouse.relation('marts', 'exceptions')} as e"
        f" left join {warehouse.relation('reference', 'currencies')} as c on c.currency = e.currency"
        f" where e.state <> 'RESOLVED' and {_among('e.stream', streams)}"
        " order by abs(coalesce(e.amount_minor, 0)) / power(10, coalesce(c.exponent, 0)) desc, e.exception_id"
        f" limit {int(limit)}"
    )
    return [LargeException(*row[:8], origin=_origin(*row[8:])) for row in found]


def _origin(source_file: str | None, source_row: int | None, target_file: str | None, target_row: int | None) -> str:
    """Where to look: file and row of each side that has one."""
    sides = [(source_file, source_row), (target_file, target_row)]
    return ", ".join(f"{file} row {row}" for file, row in sides if file)


def _balances(warehouse: Warehouse, of_what: str) -> list[Balance]:
    """The control totals by kind of balance: those of the books or those of files."""
    if not warehouse.columns("marts", "control_totals"):
        return []
    found = warehouse.rows(
        "select balance, sum(case when holds then 1 else 0 end), sum(case when holds then 0 else 1 end)"
        f" from {warehouse.relation('marts', 'control_totals')} where of_what = {literal(of_what)}"
        " group by 1 order by 1"
    )
    return [Balance(name, int(held), int(broken)) for name, held, broken in found]


def _payouts(warehouse: Warehouse) -> list[PayoutGroup]:
    """Payouts by org, processor, currency and state."""
    if not warehouse.columns("marts", "payout_tie_out"):
        return []
    found = warehouse.rows(
        "select org_id, system, currency, state, count(*), sum(coalesce(payout_minor, 0)),"
        " sum(coalesce(deposit_minor, 0)), sum(coalesce(difference_minor, 0))"
        f" from {warehouse.relation('marts', 'payout_tie_out')}"
        " group by 1, 2, 3, 4 order by 1, 2, 3, 4"
    )
    return [PayoutGroup(*row[:4], *(int(number) for number in row[4:])) for row in found]


def _rejected(warehouse: Warehouse) -> int:
    if not warehouse.columns("marts", "rejected_records"):
        return 0
    return int(warehouse.rows(f"select count(*) from {warehouse.relation('marts', 'rejected_records')}")[0][0])


def _among(column: str, values: list[str]) -> str:
    return f"{column} in ({', '.join(literal(value) for value in values)})" if values else "1 = 0"
