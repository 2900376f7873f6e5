"""What alerts read from the published copy, so that no lock is needed and a run at work is not disturbed."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import duckdb

from orchestration.data_dir import DataDir
from orchestration.listings import exposure
from orchestration.money import format_minor
from orchestration.publish import DUCKDB_FILE, current

MOST_SHOWN = 5
# What is not resolved, and not accepted for a time: nobody is to be told of the accepted ones again and again.
OPEN = "e.state <> 'RESOLVED' and e.accepted_by is null"


@dataclass(frozen=True)
class Shown:
    """An exception as a message shows it."""

    exception_id: str
    anomaly: str
    title: str | None
    explanation: str | None
    next_action: str | None
    currency: str | None
    amount_minor: int | None
    opened_at: datetime
    due_at: datetime | None


@dataclass
class Group:
    """Exceptions of one org, stream, counterparty and severity: how many, which, their money by currency in minor
    units, how many are of an unknown amount, when the first of them is due, and the largest. Times are UTC without a
    zone."""

    org_id: str
    stream: str
    counterparty_id: str | None
    severity: str
    ids: tuple[str, ...]
    due_at: datetime | None
    unknown: int = 0
    money: dict[str, int] = field(default_factory=dict)
    largest: list[Shown] = field(default_factory=list)


@contextmanager
def marts(data: DataDir) -> Iterator[duckdb.DuckDBPyConnection | None]:
    """The published copy to read from; None where nothing has been published yet."""
    version = current(data)
    if version is None:
        yield None
        return
    with duckdb.connect(str(version / DUCKDB_FILE), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        yield connection


def opened_at(
    connection: duckdb.DuckDBPyConnection, moments: Sequence[datetime], decimals: Mapping[str, int]
) -> list[Group]:
    """What the runs of these `as_of` found for the first time or again, and that is still open."""
    found = (
        f"{OPEN} and exists (select 1 from marts.exception_history as h where h.org_id = e.org_id"
        " and h.exception_id = e.exception_id and h.action in ('OPENED', 'REOPENED')"
        f" and h.event_at in ({', '.join('?' * len(moments))}))"
    )
    return groups(connection, found, [moment.replace(tzinfo=None) for moment in moments], decimals)


def overdue(connection: duckdb.DuckDBPyConnection, now: datetime) -> list[tuple[str, str, str | None, str, str, Any]]:
    """Org, stream, counterparty, severity, id and due time of what is open past its due time."""
    return connection.execute(
        "select e.org_id, e.stream, e.counterparty_id, coalesce(e.severity, 'MEDIUM'), e.exception_id, e.due_at"
        f" from marts.exceptions as e where {OPEN} and e.due_at < ? order by 1, 2, 3, 4, 5",
        [now.replace(tzinfo=None)],
    ).fetchall()


def named(
    connection: duckdb.DuckDBPyConnection, ids: Sequence[tuple[str, str]], decimals: Mapping[str, int]
) -> list[Group]:
    """The open exceptions of these orgs and ids."""
    connection.execute("create or replace temp table wanted (org_id varchar, exception_id varchar)")
    for first in range(0, len(ids), 500):
        part = ids[first : first + 500]
        connection.execute(
            f"insert into wanted values {', '.join(['(?, ?)'] * len(part))}", [value for pair in part for value in pair]
        )
    return groups(
        connection,
        f"{OPEN} and exists (select 1 from wanted as w where w.org_id = e.org_id and w.exception_id = e.exception_id)",
        [],
        decimals,
    )


def groups(
    connection: duckdb.DuckDBPyConnection, condition: str, values: Sequence[Any], decimals: Mapping[str, int]
) -> list[Group]:
    """The exceptions that a condition (on `e`) finds, grouped; the worst groups first."""
    key = "org_id, stream, counterparty_id, severity"
    connection.execute(
        "create or replace temp table told as select e.* replace (coalesce(e.severity, 'MEDIUM') as severity),"
        f" {exposure(decimals)} as exposure"
        f" from marts.exceptions as e where {condition}",
        list(values),
    )
    made = {
        tuple(row[:4]): Group(*row[:4], ids=tuple(row[4]), due_at=row[5], unknown=row[6])
        for row in connection.execute(
            f"select {key}, list(exception_id order by exception_id), min(due_at),"
            f" count(*) filter (where amount_minor is null) from told group by {key}"
        ).fetchall()
    }
    for *of, currency, amount in connection.execute(
        f"select {key}, currency, cast(sum(amount_minor) as hugeint) from told where amount_minor is not null"
        f" group by {key}, currency order by currency"
    ).fetchall():
        made[tuple(of)].money[currency or ""] = int(amount)
    for row in connection.execute(
        f"select {key}, exception_id, anomaly, title, explanation, next_action, currency, amount_minor, opened_at,"
        " due_at from told qualify row_number() over"
        f" (partition by {key} order by exposure desc, exception_id) <= {MOST_SHOWN}"
        " order by exposure desc, exception_id"
    ).fetchall():
        made[tuple(row[:4])].largest.append(Shown(*row[4:]))
    connection.execute("drop table told")
    rank = {"CRITICAL": 0, "HIGH": 1, "MEDIUM": 2, "LOW": 3}
    return sorted(made.values(), key=lambda g: (rank.get(g.severity, 4), g.org_id, g.stream, g.counterparty_id or ""))


def lifetimes(
    connection: duckdb.DuckDBPyConnection, begins: datetime, ends: datetime
) -> dict[tuple[str, str], dict[str, int]]:
    """By org and stream how many exceptions were opened (or came back) and resolved in a span of time, and how many are
    open now."""
    counts: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: {"new": 0, "closed": 0, "open": 0})
    for org, stream, new, closed, still_open in connection.execute(
        "with moved as ("
        " select h.org_id, h.exception_id, h.state, h.action, h.event_at,"
        " lag(h.state) over (partition by h.org_id, h.exception_id order by h.event_number) as before"
        " from marts.exception_history as h where h.state is not null),"
        " counted as (select org_id, exception_id,"
        " max(case when action in ('OPENED', 'REOPENED') then 1 else 0 end) as new,"
        " max(case when state = 'RESOLVED' and before is distinct from 'RESOLVED' then 1 else 0 end) as closed"
        " from moved where event_at >= ? and event_at < ? group by org_id, exception_id)"
        " select e.org_id, e.stream, coalesce(sum(c.new), 0), coalesce(sum(c.closed), 0),"
        " sum(case when e.state <> 'RESOLVED' then 1 else 0 end) from marts.exceptions as e"
        " left join counted as c on c.org_id = e.org_id and c.exception_id = e.exception_id"
        " group by e.org_id, e.stream order by 1, 2",
        [begins.replace(tzinfo=None), ends.replace(tzinfo=None)],
    ).fetchall():
        counts[org, stream].update(new=int(new), closed=int(closed), open=int(still_open))
    return dict(counts)


def oldest(connection: duckdb.DuckDBPyConnection, condition: str, values: Sequence[Any]) -> tuple[Any, ...] | None:
    """Org, stream, id, opening, title, currency and amount of what has been open longest."""
    return connection.execute(
        "select e.org_id, e.stream, e.exception_id, e.opened_at, e.title, e.currency, e.amount_minor"
        f" from marts.exceptions as e where e.state <> 'RESOLVED' and {condition}"
        " order by e.opened_at, e.exception_id limit 1",
        list(values),
    ).fetchone()


def money_text(money: Mapping[str, int], decimals: Mapping[str, int], unknown: int = 0) -> str:
    """Amounts by currency as people read them. Where nobody knows a currency's decimals the minor units are named."""
    parts = [amount_text(minor, currency, decimals) for currency, minor in sorted(money.items())]
    if unknown:
        parts.append(f"{unknown:,} of an unknown amount")
    return ", ".join(parts) or "no amount"


def amount_text(minor: int | None, currency: str | None, decimals: Mapping[str, int]) -> str:
    """One amount as people read it."""
    if minor is None:
        return "amount unknown"
    if not currency:
        return f"{minor:,} (no currency)"
    if currency not in decimals:
        return f"{minor:,} minor units of {currency}"
    return f"{format_minor(minor, decimals[currency])} {currency}"
