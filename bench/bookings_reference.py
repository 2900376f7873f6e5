"""What the bookings stream's time is measured against: the same day's files reconciled by one script.

    python -m bench.bookings_reference INBOX RATES.csv OUT.duckdb

INBOX is an org's folder of an inbox, and may be a pattern of several.

It reads every delivery of both sides, keeps the latest version of each activity, looks the day's rate up, converts both
amounts into the base currency, joins the sides, judges each pair and asks of every refund whether its sale is known.
It stops where an analyst would: no rejects, no surplus copies, no contradicting versions, no policies by supplier, no
rates of other days, no inverse quotes, no history, no trace of what was decided on which grounds.
"""

import sys
import time
from pathlib import Path

import duckdb

COLUMNS = """{
    'activity_id': 'varchar', 'supplier_id': 'varchar', 'activity_type': 'varchar', 'amount': 'varchar',
    'currency': 'varchar', 'status': 'varchar', 'version': 'bigint', 'event_time': 'timestamp',
    'order_ref': 'varchar', 'guest_name': 'varchar', 'nights': 'integer', 'check_in': 'date'
}"""

LAND = """
create table {side} as
select *
from read_csv('{inbox}/{side}/activities/*.csv', header = true, delim = ',', columns = {columns})
"""

RESULTS = """
create table results as
with rates as (
    select date, from_currency as currency, cast(rate as decimal(18, 9)) as rate
    from read_csv('{rates}', header = true, all_varchar = true)
    union all
    select distinct cast(date as varchar), 'EUR', 1
    from read_csv('{rates}', header = true, all_varchar = true)
),

{sides}

paired as (
    select
        a.activity_id as aggregator_id, s.activity_id as supplier_activity_id,
        coalesce(a.supplier_id, s.supplier_id) as supplier_id,
        cast(coalesce(a.event_time, s.event_time) as date) as business_date,
        a.currency as aggregator_currency, s.currency as supplier_currency,
        a.amount as aggregator_amount, s.amount as supplier_amount,
        a.status as aggregator_status, s.status as supplier_status,
        a.event_time as aggregator_time, s.event_time as supplier_time,
        round_even(a.amount * aggregator_rates.rate, 2) as aggregator_base,
        round_even(s.amount * supplier_rates.rate, 2) as supplier_base,
        regexp_replace(lower(a.guest_name), '[^a-z0-9]+', '', 'g') as aggregator_guest,
        regexp_replace(lower(s.guest_name), '[^a-z0-9]+', '', 'g') as supplier_guest,
        a.nights as aggregator_nights, s.nights as supplier_nights,
        a.check_in as aggregator_check_in, s.check_in as supplier_check_in
    from latest_aggregator as a
    full outer join latest_supplier as s on a.activity_id = s.activity_id
    left join rates as aggregator_rates
        on a.currency = aggregator_rates.currency and cast(a.event_time as date) = cast(aggregator_rates.date as date)
    left join rates as supplier_rates
        on s.currency = supplier_rates.currency and cast(s.event_time as date) = cast(supplier_rates.date as date)
)

select
    *,
    aggregator_base - supplier_base as difference,
    date_diff('second', aggregator_time, supplier_time) as skew_seconds,
    case
        when supplier_activity_id is null then 'MISSING_SUPPLIER'
        when aggregator_id is null then 'MISSING_AGGREGATOR'
        when aggregator_base is null or supplier_base is null then 'FX_RATE_MISSING'
        when abs(aggregator_base - supplier_base) > greatest(0.50, 0.002 * abs(aggregator_base)) then 'PRICE_MISMATCH'
        when aggregator_status <> supplier_status then 'STATUS_MISMATCH'
        when abs(date_diff('second', aggregator_time, supplier_time)) > 900 then 'TIMESTAMP_SKEW'
        when
            aggregator_guest <> supplier_guest or aggregator_nights <> supplier_nights
            or aggregator_check_in <> supplier_check_in
            then 'ATTRIBUTE_MISMATCH'
        else 'MATCHED'
    end as result
from paired
"""

SIDE = """
latest_{side} as (
    select
        activity_id,
        max(version) as version,
        arg_max(supplier_id, version) as supplier_id,
        arg_max(currency, version) as currency,
        arg_max(cast(amount as decimal(18, 3)), version) as amount,
        arg_max(
            case
                when lower(status) in ('booked', 'confirmed', 'amended') then 'BOOKED'
                when lower(status) in ('cancelled', 'canceled') then 'CANCELLED'
                when lower(status) = 'refunded' then 'REFUNDED'
                else 'UNKNOWN'
            end,
            version
        ) as status,
        arg_max(event_time, version) as event_time,
        arg_max(guest_name, version) as guest_name,
        arg_max(nights, version) as nights,
        arg_max(check_in, version) as check_in
    from {side}
    group by activity_id
),
"""

REFUNDS = """
create table refunds_without_sale as
select refund.activity_id
from supplier as refund
where
    refund.activity_type = 'REFUND'
    and not exists (
        select 1
        from supplier as sale
        where
            sale.order_ref = refund.order_ref and sale.activity_type = 'SALE' and sale.currency = refund.currency
            and sale.event_time <= refund.event_time
            and abs(cast(sale.amount as decimal(18, 3))) >= abs(cast(refund.amount as decimal(18, 3)))
    )
"""


def main(inbox: str, rates: str, out: str) -> None:
    """Reconcile an org's files into a DuckDB file and print the counts."""
    started = time.perf_counter()
    Path(out).unlink(missing_ok=True)
    with duckdb.connect(out) as con:
        con.execute("set preserve_insertion_order = false")
        # The same ceiling that Tieout works under.
        con.execute("set memory_limit = '5GB'")
        for side in ("aggregator", "supplier"):
            con.execute(LAND.format(side=side, inbox=inbox, columns=COLUMNS))
        sides = "".join(SIDE.format(side=side) for side in ("aggregator", "supplier"))
        con.execute(RESULTS.format(rates=rates, sides=sides))
        con.execute(REFUNDS)
        counts = con.execute("select result, count(*) from results group by result order by result").fetchall()
        refunds = con.execute("select count(*) from refunds_without_sale").fetchall()
        for result, rows in [*counts, ("REFUND_WITHOUT_SALE", refunds[0][0])]:
            print(f"{result:20} {rows:12,}")
    print(f"{time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: python -m bench.bookings_reference INBOX RATES.csv OUT.duckdb")
    main(*sys.argv[1:])
