"""Writes extracts of a point of sale and an order management system, of any size, whose every difference is known.

    python examples/generate.py --rows 100000 --days 60 --seed 7 --out inbox
    python examples/generate.py --rows 100000 --days 60 --seed 7 --out inbox2 --day2

The first call writes a first delivery as an inbox (`<out>/<org>/<system>/<feed>/*.csv`), the second one what comes a
day later. Each writes its answer key beside the inbox (`<out>_key/key.parquet`, one row for every expected result row,
and `summary.json`): the state after that delivery, reconciled at the `as_of` that the summary names.

Everything is a function of the seed and the order's number, computed by DuckDB in sets; what does not fit into memory
goes to a scratch file. What makes the key trustworthy:

* Order numbers rise with time, and amounts repeat only after more orders than two hours hold. Two records of different
  orders therefore never meet in the match by store, amount and time, except where an order's plan wants exactly that.
* The verdict is written from the plan of the order (its `kind`, and on the second day its `change`), not from the
  extracts.
"""

import argparse
import json
import math
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

START = datetime(2026, 1, 1, tzinfo=UTC)
STORES = 500
# Only as many orders as this show every kind on both days.
MIN_ROWS = 1000
# The first orders after these get each kind in turn, so that small extracts have all of them too.
FORCED_FROM = 20
FORCED_EACH = 16

# Share of each kind, in orders per million; the rest is `plain`: one readable record a side, equal.
KINDS: dict[str, int] = {
    "missing_target": 3000,
    "missing_source": 2000,
    "price_mismatch": 5000,
    "rounding": 2000,  # differs by exactly what the policy allows, so it passes
    "currency_mismatch": 300,
    "status_mismatch": 3000,
    "unknown_status": 200,
    "skew_over": 1000,
    "skew_limit": 500,  # exactly 900 seconds, so it passes
    "two_faults": 300,
    "duplicate_pos": 1500,
    "duplicate_oms": 1000,
    "superseded_pos": 4000,
    "superseded_oms": 6000,
    "conflict_pos": 100,
    "conflict_oms": 100,
    "id_mismatch": 1000,
    "id_and_status": 100,
    "knot_two_to_one": 200,
    "knot_two_to_two": 100,
    "knot_chain": 100,  # two POS records that are no neighbours, and an OMS record between them
    "near_miss": 100,  # would be an id mismatch, were the two not 901 seconds apart
    "reject_oms_amount": 200,
    "reject_oms_decimals": 100,
    "reject_oms_currency": 100,
    "reject_pos_amount": 200,
    "reject_pos_time": 100,
    "ragged_pos": 50,
    "ragged_oms": 50,
    "stale_oms": 100,
}

# What happens on the second day to an order of the first one: kind -> (change, share of its orders per mille).
CHANGES: dict[str, list[tuple[str, int]]] = {
    "missing_target": [("oms_arrives", 300)],
    "in_flight": [("oms_arrives", 900)],
    "missing_source": [("pos_arrives", 300)],
    "price_mismatch": [("oms_corrected", 200)],
    "status_mismatch": [("oms_corrected", 200)],
    "id_mismatch": [("oms_arrives", 100), ("rival", 100)],
    "knot_two_to_one": [("knot_resolved", 200)],
    "reject_oms_amount": [("oms_corrected", 300)],
    "reject_oms_decimals": [("oms_corrected", 300)],
    "reject_oms_currency": [("oms_corrected", 300)],
    "reject_pos_amount": [("pos_corrected", 300)],
    "reject_pos_time": [("pos_corrected", 300)],
    "ragged_pos": [("pos_arrives", 300)],
    "ragged_oms": [("oms_arrives", 300)],
    "stale_oms": [("oms_corrected", 300)],
    # Of the plain orders only those that the day touches at all, see `touched` below.
    "plain": [
        ("refund_both", 600),
        ("refund_pos_only", 80),
        ("price_change", 100),
        ("overwritten", 70),
        ("redelivered", 100),
        ("unreadable_update", 50),
    ],
}

POS_HEADER = "order_id,store_id,status,currency,total,created_at,updated_at"
OMS_HEADER = "order_id,location_id,state,currency,order_total,placed_at,modified_at,revision"
# The org tolerates one minor unit, and store S0001 five.
POLICIES = """stream,counterparty_id,price_abs_minor,price_pct,skew_seconds,grace_minutes,valid_from
pos_oms_orders,,1,,,,
pos_oms_orders,S0001,5,,,,
"""


@dataclass(frozen=True)
class Size:
    """How much to write, and from which seed."""

    rows: int
    days: int
    seed: int
    org: str = "acme_retail"

    @property
    def new_rows(self) -> int:
        """Orders that the second day adds."""
        return max(self.rows * 4 // 1000, 50)

    @property
    def first_as_of(self) -> datetime:
        """End of the first delivery's period, and the clock to reconcile it at."""
        return START + timedelta(days=self.days)

    @property
    def second_as_of(self) -> datetime:
        """The same of the second delivery."""
        return self.first_as_of + timedelta(days=1)


def _kind_sql() -> str:
    """The kind of an order by its draw; the first orders get each kind in turn."""
    names = ["plain", *KINDS]
    slots = " ".join(f"when {number} then '{name}'" for number, name in enumerate(names))
    draws, limit = [], 0
    for name, share in KINDS.items():
        limit += share
        draws.append(f"when draw < {limit} then '{name}'")
    forced = f"i >= {FORCED_FROM} and i < {FORCED_FROM + FORCED_EACH * len(names)}"
    return f"""case
        when {forced} then case (i - {FORCED_FROM}) // {FORCED_EACH} {slots} end
        {" ".join(draws)}
        else 'plain'
    end"""


def _change_sql() -> str:
    """The change of an order of the first day by its second draw, or null."""
    cases = []
    for kind, changes in CHANGES.items():
        limit = 0
        for change, share in changes:
            limit += share
            touched = " and touched" if kind == "plain" else ""
            cases.append(f"when kind = '{kind}'{touched} and second_draw < {limit} then '{change}'")
    return f"case when i >= first_rows then null {' '.join(cases)} end"


def plan_sql(size: Size, day2: bool) -> str:
    """A table `plan`: one row for every order known after the delivery, with everything that is drawn about it."""
    kinds = 1 + len(KINDS)
    seconds = size.days * 86400
    # More than the orders of two hours: equal amounts are never neighbours in time. A prime spreads them evenly.
    period = max(50_000, math.ceil(size.rows / seconds * 7200))
    spread = next(p for p in (7919, 7907, 7901) if math.gcd(p, period) == 1)
    recent_days = min(5, size.days)
    recent_share = round(3000 * size.days / recent_days)
    total = size.rows + (size.new_rows if day2 else 0)
    start, first_end = _literal(START), _literal(size.first_as_of)
    forced = f"(i >= {FORCED_FROM} and i < {FORCED_FROM + FORCED_EACH * kinds})"
    return f"""
-- `range` is read by one thread, a table by all of them
create or replace table numbers as select range as i from range({total});

create or replace table plan as
with numbered as (
    select
        i,
        {size.rows} as first_rows,
        md5_number_lower('{size.seed}:' || i) as h
    from numbers
),

drawn as (
    select
        i,
        first_rows,
        cast(h % 1000000 as integer) as draw,
        cast((h >> 20) & 65535 as integer) % {STORES} as store,
        cast((h >> 36) & 255 as integer) as mix,
        cast((h >> 44) & 1023 as integer) as jitter,
        {start} + to_seconds(case
            when i < first_rows then i * {seconds} // first_rows
            else {seconds} + (i - first_rows) * 86400 // {size.new_rows}
        end) as created_at,
        cast(500 + (i * {spread}) % {period} as integer) as amount,
        case
            when {forced} then ((i - {FORCED_FROM}) % {FORCED_EACH}) * 62 + 31
            else cast((h >> 54) & 1023 as integer) * 1000 // 1024
        end as second_draw,
        {forced} or cast((h >> 8) % 1000003 as integer) < case
            when i >= first_rows - first_rows * {recent_days} // {size.days} then {recent_share} else 1000
        end as touched
    from numbered
),

kinds as (
    select
        *,
        {_kind_sql()} as drawn_kind
    from drawn
),

-- an extract of orders that goes up to its own end has some that the other system does not know yet
flown as (
    select
        * exclude (drawn_kind),
        case
            when drawn_kind = 'plain' and i < first_rows and mix % 5 = 0 and created_at > {first_end} - interval 1 hour
                then 'in_flight'
            else drawn_kind
        end as kind
    from kinds
),

changed as (
    select
        *,
        {_change_sql() if day2 else "cast(null as varchar)"} as change,
        case when mix < 240 then 'BOOKED' when mix < 248 then 'CANCELLED' else 'REFUNDED' end as status,
        case
            when store % 20 = 0 then 'JPY'
            when store % 20 = 1 then 'KWD'
            when store % 20 < 7 then 'EUR'
            when store % 20 < 9 then 'GBP'
            else 'USD'
        end as currency,
        case when store % 20 = 0 then 0 when store % 20 = 1 then 3 else 2 end as exponent,
        case when store = 1 then 5 else 1 end as tolerance
    from flown
)

select
    i,
    i >= first_rows as is_new,
    kind,
    change,
    'SO-' || (100000000 + i) as id,
    'WEB-' || (100000000 + i) as other_id,
    'S' || lpad(cast(store as varchar), 4, '0') as store_id,
    status,
    case status
        when 'BOOKED' then case mix % 3 when 0 then 'OPEN' when 1 then 'PAID' else 'COMPLETED' end
        when 'CANCELLED' then 'VOIDED' else 'REFUNDED'
    end as pos_status,
    case
        when kind = 'unknown_status' then 'on_hold'
        when kind in ('status_mismatch', 'two_faults', 'id_and_status')
            then case status when 'BOOKED' then 'cancelled' else 'shipped' end
        else {_aligned_state("status")}
    end as oms_state,
    {_aligned_state("status")} as aligned_state,
    currency,
    exponent,
    case when kind = 'currency_mismatch' then 'CHF' else currency end as oms_currency,
    case when kind = 'currency_mismatch' then 2 else exponent end as oms_exponent,
    amount,
    case
        when kind in ('price_mismatch', 'two_faults')
            then amount + (case when mix % 2 = 0 then 1 else -1 end) * (6 + jitter % 400)
        when kind = 'rounding' then amount + (case when mix % 2 = 0 then 1 else -1 end) * tolerance
        else amount
    end as oms_amount,
    created_at,
    created_at + to_seconds(1 + jitter * 10) as updated_at,
    created_at + to_seconds(case
        -- never later than the extract, which would look like a fault of the generator
        when kind = 'skew_over'
            then (901 + (jitter * 7) % 6000)
                * (case when mix % 2 = 0 or created_at > {first_end} - interval 1 day then -1 else 1 end)
        when kind = 'skew_limit' then (case when mix % 2 = 0 then 900 else -900 end)
        when kind in ('id_mismatch', 'id_and_status')
            then case jitter % 4 when 0 then 900 when 1 then -900 else jitter % 900 end
        when kind = 'knot_chain' then 800
        when kind = 'near_miss' then 901
        else jitter % 90
    end) as placed_at,
    created_at + to_seconds(60 + jitter * 20) as modified_at,
    1 + mix % 4 as revision,
    1 + jitter % 2 as extra_copies,
    jitter
from changed"""


def _aligned_state(status: str) -> str:
    """The OMS state that says the same as a canonical status."""
    return f"""case {status}
            when 'BOOKED' then ['created', 'confirmed', 'allocated', 'shipped', 'delivered'][1 + mix % 5]
            when 'CANCELLED' then 'cancelled' else case mix % 2 when 0 then 'returned' else 'refunded' end
        end"""


def _literal(moment: datetime) -> str:
    return f"timestamp '{moment:%Y-%m-%d %H:%M:%S}'"


def _amount_text(minor: str, exponent: str) -> str:
    """Minor units as the text of an extract, exactly."""
    return f"""case {exponent}
            when 2 then cast(cast({minor} as integer) * cast(0.01 as decimal(3, 2)) as varchar)
            when 3 then cast(cast({minor} as integer) * cast(0.001 as decimal(4, 3)) as varchar)
            else cast({minor} as varchar)
        end"""


def pos_row(where: str, **columns: str) -> str:
    """One select of POS rows; `columns` say what differs from the plan."""
    get = {
        "id": "id",
        "status": "pos_status",
        "minor": "amount",
        "total": None,
        "created": "created_at",
        "created_text": None,
        "updated": "updated_at",
        "copies": None,
    } | columns
    total = get["total"] or _amount_text(str(get["minor"]), "exponent")
    created = get["created_text"] or f"strftime({get['created']}, '%Y-%m-%dT%H:%M:%SZ')"
    copies = f", range({get['copies']})" if get["copies"] else ""
    return f"""
    select {get["id"]} as order_id, store_id, {get["status"]} as status, currency, {total} as total,
        {created} as created_at, strftime({get["updated"]}, '%Y-%m-%dT%H:%M:%SZ') as updated_at
    from plan{copies}
    where {where}"""


def oms_row(where: str, **columns: str) -> str:
    """One select of OMS rows; `columns` say what differs from the plan."""
    get = {
        "id": "id",
        "state": "oms_state",
        "currency": "oms_currency",
        "minor": "oms_amount",
        "total": None,
        "placed": "placed_at",
        "modified": "modified_at",
        "revision": "revision",
        "copies": None,
    } | columns
    total = get["total"] or _amount_text(str(get["minor"]), "oms_exponent")
    copies = f", range({get['copies']})" if get["copies"] else ""
    return f"""
    select {get["id"]} as order_id, store_id as location_id, {get["state"]} as state, {get["currency"]} as currency,
        {total} as order_total, cast({get["placed"]} as varchar) as placed_at,
        cast({get["modified"]} as varchar) as modified_at, {get["revision"]} as revision
    from plan{copies}
    where {where}"""


# Kinds whose OMS record carries another id than the POS record.
OTHER_ID = "kind in ('id_mismatch', 'id_and_status', 'knot_two_to_one', 'knot_two_to_two', 'knot_chain', 'near_miss')"
# The time of the second POS record of a knot.
SECOND_AT = (
    "case kind when 'knot_chain' then created_at + interval 1600 second else created_at + interval 60 second end"
)


def pos_first(scope: str) -> list[str]:
    """The POS rows of orders as first delivered."""
    bad_total = f"case kind when 'reject_pos_amount' then '1.2e3' else {_amount_text('amount', 'exponent')} end"
    bad_time = """case kind
        when 'reject_pos_time' then strftime(created_at, '%Y-02-30T%H:%M:%SZ')
        else strftime(created_at, '%Y-%m-%dT%H:%M:%SZ') end"""
    return [
        pos_row(f"{scope} and kind not in ('missing_source', 'ragged_pos')", total=bad_total, created_text=bad_time),
        pos_row(f"{scope} and kind = 'duplicate_pos'", copies="extra_copies"),
        pos_row(f"{scope} and kind = 'superseded_pos'", status="'OPEN'", minor="amount + 1", updated="created_at"),
        pos_row(f"{scope} and kind = 'conflict_pos'", minor="amount + 100"),
        pos_row(
            f"{scope} and kind in ('knot_two_to_one', 'knot_two_to_two', 'knot_chain')",
            id="id || '-B'",
            created=SECOND_AT,
        ),
    ]


def oms_first(scope: str) -> list[str]:
    """The OMS rows of orders as first delivered."""
    text = _amount_text("oms_amount", "oms_exponent")
    bad_total = f"""case kind
        when 'reject_oms_amount' then 'n/a'
        when 'reject_oms_decimals' then {text} || case oms_exponent when 0 then '.5' else '5' end
        else {text} end"""
    return [
        oms_row(
            f"{scope} and kind not in ('missing_target', 'in_flight', 'ragged_oms')",
            id=f"case when {OTHER_ID} then other_id else id end",
            total=bad_total,
            currency="case kind when 'reject_oms_currency' then 'ZZZ' else oms_currency end",
        ),
        oms_row(f"{scope} and kind = 'duplicate_oms'", copies="extra_copies"),
        oms_row(f"{scope} and kind = 'superseded_oms'", state="'created'", minor="amount + 1", revision="revision - 1"),
        oms_row(f"{scope} and kind = 'conflict_oms'", minor="amount + 100"),
        oms_row(
            f"{scope} and kind = 'knot_two_to_two'", id="other_id || '-B'", placed="placed_at + interval 60 second"
        ),
        oms_row(f"{scope} and kind = 'stale_oms'", total="'n/a'", revision="revision + 1"),
    ]


def pos_changes(size: Size) -> list[str]:
    """The POS rows that the second day brings about orders of the first."""
    later = f"greatest(updated_at, {_literal(size.first_as_of)}) + to_seconds(1 + jitter)"
    return [
        pos_row("change in ('refund_both', 'refund_pos_only')", status="'REFUNDED'", updated=later),
        pos_row("change = 'price_change'", minor="amount + 1000", updated=later),
        pos_row("change = 'redelivered'"),
        pos_row("change in ('pos_arrives', 'pos_corrected')", updated=later),
        pos_row("change = 'rival'", id="id || '-R'", created="placed_at", updated=later),
    ]


def oms_changes(size: Size) -> list[str]:
    """The OMS rows that the second day brings about orders of the first."""
    later = f"greatest(modified_at, {_literal(size.first_as_of)}) + to_seconds(1 + jitter)"
    return [
        oms_row("change = 'refund_both'", state="'refunded'", modified=later, revision="revision + 1"),
        oms_row("change = 'price_change'", minor="amount + 1000", modified=later, revision="revision + 1"),
        oms_row("change = 'overwritten'", minor="amount + 777", modified=later),
        oms_row("change = 'redelivered'"),
        oms_row("change = 'unreadable_update'", total="'n/a'", modified=later, revision="revision + 1"),
        oms_row("change = 'oms_arrives'", modified=later),
        oms_row(
            "change = 'oms_corrected'", minor="amount", state="aligned_state", modified=later, revision="revision + 2"
        ),
        oms_row("change = 'knot_resolved'", id="id || '-B'", placed=SECOND_AT, modified=later),
    ]


def key_sql(size: Size, day2: bool) -> str:
    """The expected result rows after the delivery, from the plan."""
    as_of = _literal(size.second_as_of if day2 else size.first_as_of)

    def left(side: str, event: str, id_: str, where: str, minor: str, cause: str = "'MISSING'") -> str:
        """Records that the whole ladder leaves: pending in their grace, else missing or their counterpart rejected."""
        mine, other = ("source", "OMS") if side == "pos" else ("target", "POS")
        result = "MISSING_TARGET" if side == "pos" else "MISSING_SOURCE"
        pending = f"{event} + interval 60 minute > {as_of}"
        ids = {"source_id": "null", "target_id": "null", "source_amount": "null", "target_amount": "null"}
        ids |= {f"{mine}_id": id_, f"{mine}_amount": minor}
        return row(
            "'unmatched'",
            f"case when {pending} then 'PENDING' else '{result}' end",
            f"case when {pending} then '' else {cause} || '_{other}' end",
            where,
            **ids,
        )

    def alone(
        side: str, step: str, result: str, anomaly: str, id_: str, where: str, minor: str, ordinal: str = "null"
    ) -> str:
        """A record on its own with a fixed verdict."""
        mine = "source" if side == "pos" else "target"
        ids = {"source_id": "null", "target_id": "null", "source_amount": "null", "target_amount": "null"}
        ids |= {f"{mine}_id": id_, f"{mine}_amount": minor}
        tables = "plan, range(extra_copies)" if ordinal != "null" else "plan"
        return row(f"'{step}'", f"'{result}'", f"'{anomaly}'", where, ordinal=ordinal, tables=tables, **ids)

    def row(
        step: str,
        result: str,
        anomalies: str,
        where: str,
        source_id: str,
        target_id: str,
        source_amount: str,
        target_amount: str,
        ordinal: str = "null",
        tables: str = "plan",
    ) -> str:
        return f"""
    select i, kind, change, {step} as step, {result} as result, {anomalies} as anomalies,
        cast({source_id} as varchar) as source_id, cast({target_id} as varchar) as target_id,
        cast({source_amount} as bigint) as source_amount, cast({target_amount} as bigint) as target_amount,
        cast({ordinal} as integer) as ordinal
    from {tables}
    where {where}"""

    rejected_oms = "kind in ('reject_oms_amount', 'reject_oms_decimals', 'reject_oms_currency')"
    rejected_pos = "kind in ('reject_pos_amount', 'reject_pos_time')"
    no_oms = f"(kind in ('missing_target', 'in_flight', 'ragged_oms') or {rejected_oms}) and change is null"
    no_pos = f"(kind in ('missing_source', 'ragged_pos') or {rejected_pos}) and change is null"
    knots = "kind in ('knot_two_to_one', 'knot_two_to_two', 'knot_chain') and change is null"
    conflicts = "kind in ('conflict_pos', 'conflict_oms')"
    loose = "kind in ('id_mismatch', 'id_and_status')"
    corrected = "coalesce(change, '') = 'oms_corrected'"
    # Anomalies sorted by name, as the results print them.
    faults = f"""concat_ws(',',
        case when kind = 'currency_mismatch' then 'CURRENCY_MISMATCH' end,
        case
            when (kind in ('price_mismatch', 'two_faults') and not {corrected}) or change = 'overwritten'
                then 'PRICE_MISMATCH'
        end,
        case when (kind = 'stale_oms' and not {corrected}) or change = 'unreadable_update' then 'STALE_VERSION' end,
        case
            when (kind in ('status_mismatch', 'two_faults', 'unknown_status') and not {corrected})
                or (change = 'refund_pos_only' and status <> 'REFUNDED') then 'STATUS_MISMATCH'
        end,
        case when kind = 'skew_over' then 'TIMESTAMP_SKEW' end)"""
    same_id = f"""not ({no_oms}) and not ({no_pos}) and not ({conflicts})
        and (not {OTHER_ID} or (kind = 'id_mismatch' and coalesce(change, '') = 'oms_arrives'))"""
    live_target = f"""case
        when change = 'overwritten' then amount + 777
        when change = 'price_change' then amount + 1000
        when {corrected} then amount
        else oms_amount end"""
    parts = [
        row(
            "'by_order_id'",
            f"case when {faults} = '' then 'MATCHED' else 'MISMATCHED' end",
            faults,
            same_id,
            "id",
            "id",
            "case when change = 'price_change' then amount + 1000 else amount end",
            live_target,
        ),
        left(
            "pos", "created_at", "id", no_oms, "amount", f"case when {rejected_oms} then 'REJECTED' else 'MISSING' end"
        ),
        left(
            "oms", "placed_at", "id", no_pos, "amount", f"case when {rejected_pos} then 'REJECTED' else 'MISSING' end"
        ),
        # a surplus copy of a record counts beside the record
        alone("pos", "duplicates", "DUPLICATE", "DUPLICATE_POS", "id", "kind = 'duplicate_pos'", "amount", "range + 2"),
        alone("oms", "duplicates", "DUPLICATE", "DUPLICATE_OMS", "id", "kind = 'duplicate_oms'", "amount", "range + 2"),
        # both contents of the contradicting side, and the counterpart
        *(
            alone(
                side,
                "by_order_id",
                "AMBIGUOUS",
                f"CONFLICT_{at_fault.upper()}",
                "id",
                f"kind = 'conflict_{at_fault}'",
                "amount",
            )
            for side in ("pos", "oms")
            for at_fault in ("pos", "oms")
        ),
        alone("pos", "by_order_id", "AMBIGUOUS", "CONFLICT_POS", "id", "kind = 'conflict_pos'", "amount + 100"),
        alone("oms", "by_order_id", "AMBIGUOUS", "CONFLICT_OMS", "id", "kind = 'conflict_oms'", "amount + 100"),
        row(
            "'by_store_amount_time'",
            "'MISMATCHED'",
            "case kind when 'id_and_status' then 'ID_MISMATCH,STATUS_MISMATCH' else 'ID_MISMATCH' end",
            f"({loose} and change is null) or change = 'knot_resolved'",
            "id",
            "other_id",
            "amount",
            "amount",
        ),
        # the true counterpart came: the record that was taken for it is left
        left("oms", "placed_at", "other_id", "kind = 'id_mismatch' and change = 'oms_arrives'", "amount"),
        *(
            alone(side, "by_store_amount_time", "AMBIGUOUS", "AMBIGUOUS_MATCH", id_, where, "amount")
            for side, id_, where in (
                ("pos", "id", f"({knots}) or change = 'rival'"),
                ("pos", "id || '-B'", knots),
                ("pos", "id || '-R'", "change = 'rival'"),
                ("oms", "other_id", f"({knots}) or change = 'rival'"),
                ("oms", "other_id || '-B'", "kind = 'knot_two_to_two'"),
            )
        ),
        row(
            "'by_order_id'",
            "'MATCHED'",
            "''",
            "change = 'knot_resolved'",
            "id || '-B'",
            "id || '-B'",
            "amount",
            "amount",
        ),
        left("pos", "created_at", "id", "kind = 'near_miss'", "amount"),
        left("oms", "placed_at", "other_id", "kind = 'near_miss'", "amount"),
    ]
    return "\nunion all".join(parts)


def ragged_sql(side: str, scope: str) -> str:
    """Lines with a wrong number of fields: the end is missing at the POS, the OMS has a field too many."""
    if side == "pos":
        return f"""
        select concat_ws(',', id, store_id, pos_status, currency)
        from plan where {scope} and kind = 'ragged_pos' order by i"""
    return f"""
        select concat_ws(
            ',', id, store_id, oms_state, oms_currency, {_amount_text("oms_amount", "oms_exponent")},
            placed_at, modified_at, revision, 'x'
        )
        from plan where {scope} and kind = 'ragged_oms' order by i"""


def generate(size: Size, out: Path, key: Path, day2: bool) -> dict[str, Any]:
    """Write one delivery and its answer key; the summary that is also written to `summary.json`."""
    if size.rows < MIN_ROWS or size.days < 1:
        raise ValueError(f"--rows must be at least {MIN_ROWS} and --days at least 1, not {size.rows} and {size.days}.")
    key.mkdir(parents=True, exist_ok=True)
    scratch = key / "scratch.duckdb"
    scratch.unlink(missing_ok=True)
    con = duckdb.connect(scratch)
    con.execute("set memory_limit = '4GB'")
    # The same bytes every time: a delivery is known by its content.
    con.execute("set preserve_insertion_order = true")
    con.execute(plan_sql(size, day2))
    name = "orders_day2.csv" if day2 else "orders_day1.csv"
    scope = "is_new" if day2 else "not is_new"
    files = {}
    for side in ("pos", "oms"):
        rows = (pos_first if side == "pos" else oms_first)(scope)
        if day2:
            rows += (pos_changes if side == "pos" else oms_changes)(size)
        folder = out / size.org / side / "orders"
        folder.mkdir(parents=True, exist_ok=True)
        written = con.execute(f"copy ({' union all '.join(rows)}) to '{folder / name}' (format csv, header)").fetchone()
        ragged = con.execute(ragged_sql(side, scope)).fetchall()
        with (folder / name).open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for (line,) in ragged)
        assert written is not None
        files[f"{side}/orders"] = {"file": name, "records": written[0], "unreadable_lines": len(ragged)}
    if not day2:
        folder = out / size.org / "tieout" / "policies"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "policies.csv").write_text(POLICIES, encoding="utf-8")

    answer = key / "key.parquet"
    con.execute(f"copy ({key_sql(size, day2)}) to '{answer}' (format parquet)")
    as_of = size.second_as_of if day2 else size.first_as_of
    summary = {
        "org": size.org,
        "rows": size.rows,
        "days": size.days,
        "seed": size.seed,
        "as_of": f"{as_of:%Y-%m-%dT%H:%M:%SZ}",
        "files": files,
        "results": _counts(con, f"select result, count(*) from '{answer}' group by result"),
        "anomalies": _counts(
            con,
            f"""select unnest(string_split(anomalies, ',')) as anomaly, count(*)
            from '{answer}' where anomalies <> '' group by anomaly""",
        ),
    }
    (key / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    con.close()
    scratch.unlink()
    return summary


def _counts(con: duckdb.DuckDBPyConnection, query: str) -> dict[str, int]:
    return dict(sorted(con.execute(query).fetchall()))


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description="Write POS and OMS extracts with known differences, and their answer key."
    )
    parser.add_argument("--rows", type=int, default=100_000, help="orders of the first delivery (default 100000)")
    parser.add_argument("--days", type=int, default=60, help="days that they spread over (default 60)")
    parser.add_argument("--seed", type=int, default=7, help="the same seed gives the same bytes (default 7)")
    parser.add_argument("--org", default=Size.org, help=f"org that the extracts belong to (default {Size.org})")
    parser.add_argument("--out", type=Path, required=True, help="inbox to write into")
    parser.add_argument("--key", type=Path, help="folder of the answer key (default: <out>_key)")
    parser.add_argument(
        "--day2", action="store_true", help="write the delivery of the day after instead of the first one"
    )
    given = parser.parse_args(arguments)
    key = given.key or given.out.with_name(given.out.name + "_key")
    try:
        summary = generate(Size(given.rows, given.days, given.seed, given.org), given.out, key, given.day2)
    except ValueError as fault:
        parser.error(str(fault))
    json.dump(summary, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
