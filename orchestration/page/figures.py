"""What the page says: numbers and codes, no words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True)
class Scope:
    """What the page is about; None asks for all."""

    org: str | None = None
    stream: str | None = None


@dataclass(frozen=True)
class Headline:
    """Did the books close: of the latest run, and of the one whose figures these are."""

    closed: bool
    # Of the figures; None where nobody knows.
    as_of: datetime | None
    run_id: str | None
    # Of the latest run, where it is another one because it did not close.
    failed_as_of: datetime | None
    failures: list[str]
    # None: the run that published has not told yet.
    laws: dict[str, int] | None
    # Streams that the run asked for; empty where nobody knows.
    streams: list[str]
    only_stream: str | None


@dataclass(frozen=True)
class Group:
    """Results of one org, stream, result and currency; of a pair the source amount."""

    org_id: str
    stream: str
    result: str
    currency: str | None
    rows: int
    amount_minor: int


@dataclass(frozen=True)
class Day:
    """One row of `marts.daily_trends`."""

    org_id: str
    stream: str
    day: date
    currency: str | None
    judged_count: int
    matched_count: int
    judged_minor: int
    matched_minor: int
    opened_count: int
    closed_count: int
    self_cleared_count: int
    open_count: int


@dataclass(frozen=True)
class OpenState:
    """What is open, in numbers."""

    count: int
    overdue: int
    unowned: int
    awaiting_approval: int
    oldest_days: int | None


@dataclass(frozen=True)
class Stake:
    """Money of open exceptions in one currency, each result once however many exceptions it has."""

    currency: str
    results: int
    amount_minor: int


@dataclass(frozen=True)
class BaseExposure:
    """The same in an org's base currency; `unknown` results have no rate and are not in it."""

    org_id: str
    currency: str
    amount_minor: int
    unknown: int


@dataclass(frozen=True)
class Age:
    """Open exceptions of one severity, age and currency."""

    severity: str
    bucket: str
    currency: str | None
    open_count: int
    overdue_count: int
    amount_minor: int


@dataclass(frozen=True)
class TopException:
    """An open exception that stands among the largest."""

    exception_id: str
    org_id: str
    stream: str
    anomaly: str
    title: str
    state: str
    severity: str
    owner: str | None
    opened_at: datetime
    due_at: datetime | None
    is_overdue: bool
    age_days: int
    currency: str | None
    amount_minor: int | None
    explanation: str
    next_action: str
    source_file: str | None
    source_row_number: int | None
    target_file: str | None
    target_row_number: int | None
    rejected_file: str | None
    rejected_row_number: int | None


@dataclass(frozen=True)
class Counterparty:
    """One row of `marts.counterparty_scorecard`."""

    org_id: str
    stream: str
    counterparty_id: str | None
    currency: str | None
    judged_count: int
    matched_count: int
    mismatched_count: int
    missing_count: int
    late_count: int
    open_count: int
    open_minor: int


@dataclass(frozen=True)
class Budget:
    """One row of `marts.absorption_budgets`."""

    org_id: str
    rule_id: str
    counterparty_id: str | None
    month: str
    currency: str
    budget_minor: int | None
    by_tolerance_minor: int
    by_rule_minor: int
    over_budget_count: int


@dataclass(frozen=True)
class Absorbed:
    """What nobody had to settle."""

    written_off: int
    flagged: int
    accepted: int
    # Those of which the least is left.
    budgets: list[Budget]


@dataclass(frozen=True)
class PayoutGroup:
    """Payouts of one org, processor, currency and state."""

    org_id: str
    system: str
    currency: str
    state: str
    payouts: int
    payout_minor: int
    deposit_minor: int


@dataclass(frozen=True)
class Payout:
    """A payout that did not tie out."""

    org_id: str
    system: str
    payout_id: str
    payout_date: date | None
    currency: str
    payout_minor: int | None
    deposit_minor: int | None
    difference_minor: int
    state: str


@dataclass(frozen=True)
class Balances:
    """Control totals of one kind."""

    of_what: str
    balance: str
    held: int
    broken: int


@dataclass(frozen=True)
class Rejects:
    """Records that could not be used, of one feed and reason."""

    org_id: str
    feed: str
    reason: str
    records: int
    files: int


@dataclass(frozen=True)
class Figures:
    """All that the page says."""

    scope: Scope
    orgs: list[str]
    headline: Headline
    exponents: Mapping[str, int]
    groups: list[Group]
    days: list[Day]
    open_state: OpenState
    stakes: list[Stake]
    base_exposures: list[BaseExposure]
    ages: list[Age]
    top: list[TopException]
    counterparties: list[Counterparty]
    counterparty_count: int
    absorbed: Absorbed
    payouts: list[PayoutGroup]
    untied: list[Payout]
    balances: list[Balances]
    rejects: list[Rejects]
    rejected_count: int
