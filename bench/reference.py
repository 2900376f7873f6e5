"""What Tieout's time is measured against: the same two files reconciled by one script, as an analyst would write it.

    python bench/reference.py POS.csv OMS.csv OUT.duckdb

It reads the extracts, keeps the latest version of each order, joins the two sides and classifies them into one table.
It stops where an analyst would: no second match rule, no surplus copies, no contradicting versions, no policies by
store, no trace of what it could not read, no history.
"""

import sys
import time
from pathlib import Path

import duckdb

SQL = """
create table results as
with pos as (
    select
        order_id,
        max(updated_at) as updated_at,
        arg_max_null(store_id, updated_at) as store_id,
        arg_max_null(
            case
                when upper(status) in ('OPEN', 'PAID', 'COMPLETED') then 'BOOKED'
                when upper(status) = 'VOIDED' then 'CANCELLED'
                when upper(status) = 'REFUNDED' then 'REFUNDED'
                else 'UNKNOWN'
            end,
            updated_at
        ) as status,
        arg_max_null(currency, updated_at) as currency,
        arg_max_null(try_cast(total as decimal(18, 3)), updated_at) as total,
        arg_max_null(created_at, updated_at) as created_at
    from read_csv(
        ?,
        header = true,
        delim = ',',
        columns = {
            'order_id': 'varchar', 'store_id': 'varchar', 'status': 'varchar', 'currency': 'varchar',
            'total': 'varchar', 'created_at': 'timestamp', 'updated_at': 'timestamp'
        },
        ignore_errors = true
    )
    group by order_id
),

oms as (
    select
        order_id,
        max(revision) as revision,
        arg_max_null(location_id, revision) as store_id,
        arg_max_null(
            case
                when lower(state) in ('created', 'confirmed', 'allocated', 'shipped', 'delivered') then 'BOOKED'
                when lower(state) = 'cancelled' then 'CANCELLED'
                when lower(state) in ('returned', 'refunded') then 'REFUNDED'
                else 'UNKNOWN'
            end,
            revision
        ) as status,
        arg_max_null(currency, revision) as currency,
        arg_max_null(try_cast(order_total as decimal(18, 3)), revision) as total,
        arg_max_null(placed_at, revision) as placed_at
    from read_csv(
        ?,
        header = true,
        delim = ',',
        columns = {
            'order_id': 'varchar', 'location_id': 'varchar', 'state': 'varchar', 'currency': 'varchar',
            'order_total': 'varchar', 'placed_at': 'timestamp', 'modified_at': 'timestamp', 'revision': 'bigint'
        },
        ignore_errors = true
    )
    group by order_id
)

select
    pos.order_id as pos_order_id,
    oms.order_id as oms_order_id,
    coalesce(pos.store_id, oms.store_id) as store_id,
    cast(coalesce(pos.created_at, oms.placed_at) as date) as business_date,
    pos.currency as pos_currency,
    oms.currency as oms_currency,
    pos.total as pos_total,
    oms.total as oms_total,
    pos.total - oms.total as difference,
    pos.status as pos_status,
    oms.status as oms_status,
    date_diff('second', pos.created_at, oms.placed_at) as skew_seconds,
    case
        when oms.order_id is null then 'MISSING_TARGET'
        when pos.order_id is null then 'MISSING_SOURCE'
        when pos.total is null or oms.total is null then 'UNREADABLE'
        when pos.currency <> oms.currency then 'CURRENCY_MISMATCH'
        when
            abs(pos.total - oms.total) > case pos.currency when 'JPY' then 1 when 'KWD' then 0.001 else 0.01 end
            then 'PRICE_MISMATCH'
        when pos.status <> oms.status or pos.status = 'UNKNOWN' then 'STATUS_MISMATCH'
        when abs(date_diff('second', pos.created_at, oms.placed_at)) > 900 then 'TIMESTAMP_SKEW'
        else 'MATCHED'
    end as result
from pos
full outer join oms on pos.order_id = oms.order_id
"""


def main(pos: str, oms: str, out: str) -> None:
    """Reconcile two files into the table `results` of a DuckDB file and print the counts."""
    started = time.perf_counter()
    Path(out).unlink(missing_ok=True)
    with duckdb.connect(out) as con:
        con.execute("set preserve_insertion_order = false")
        # The same ceiling that Tieout works under.
        con.execute("set memory_limit = '5GB'")
        con.execute(SQL, [pos, oms])
        for result, rows in con.execute(
            "select result, count(*) from results group by result order by result"
        ).fetchall():
            print(f"{result:20} {rows:12,}")
    print(f"{time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: python bench/reference.py POS.csv OMS.csv OUT.duckdb")
    main(*sys.argv[1:])
