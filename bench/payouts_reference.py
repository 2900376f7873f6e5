"""What the payouts stream's time is measured against: the same files joined and summed by one script.

    python -m bench.payouts_reference INBOX KEY OUT.duckdb

It reads what shops and processors wrote, holds every order against its charges, every payout against its lines and
every payout against its deposit,
    and writes three tables. It stops where an analyst would: no identities of the files,
no currencies' exponents but by hand, no rejects, no policies, no history, no reasons. The bank's files,
    a four-hundredth
of the bytes and in five formats, are given to it read: their entries come from the answer key.
"""

import sys
import time
from pathlib import Path

import duckdb

SQL = """
create table lines as
with shopify as (
    select
        'shopify' as system, "Type" as kind, ltrim("Order", '#') as order_ref, "Payout ID" as payout,
            upper("Currency") as currency,
        cast("Amount" as decimal(18, 2)) as gross, -cast("Fee" as decimal(18, 2)) as fee
    from read_csv('{inbox}/shopify/payout_transactions/*.csv', header = true, all_varchar = true,
        union_by_name = true)
),

stripe as (
    select
        'stripe' as system, reporting_category as kind, "payment_metadata[order_id]" as order_ref,
            automatic_payout_id as payout,
        upper(currency) as currency, cast(gross as decimal(18, 2)) as gross, -cast(fee as decimal(18, 2)) as fee
    from read_csv('{inbox}/stripe/payout_reconciliation/*.csv', header = true, all_varchar = true)
),

adyen as (
    select
        'adyen' as system, "Type" as kind, "Merchant Reference" as order_ref,
        "Merchant Account" || '/' || "Batch Number" as payout, "Net Currency" as currency,
        coalesce(cast("Gross Credit (GC)" as decimal(18, 2)), 0) - coalesce(cast("Gross Debit (GC)" as decimal(18,
            2)), 0) as gross,
        coalesce(cast("Net Credit (NC)" as decimal(18, 2)), 0) - coalesce(cast("Net Debit (NC)" as decimal(18, 2)),
            0) - gross as fee
    from read_csv('{inbox}/adyen/settlement_details/*.csv', header = true, all_varchar = true)
),

amazon as (
    select
        'amazon' as system, "transaction-type" as kind, "merchant-order-id" as order_ref, "settlement-id" as payout,
        max(currency) over (partition by "settlement-id") as currency,
        case when "amount-type" = 'ItemFees' then 0 else cast(amount as decimal(18, 2)) end as gross,
        case when "amount-type" = 'ItemFees' then cast(amount as decimal(18, 2)) else 0 end as fee
    from read_csv('{inbox}/amazon/settlement_v2/*.txt', header = true, delim = '\t', all_varchar = true)
    qualify amount is not null
),

square as (
    select
        'square' as system, "Event Type" as kind, "Order Reference ID" as order_ref, "Deposit ID" as payout,
            'USD' as currency,
        cast(replace(replace("Total Collected", '$', ''), ',', '') as decimal(18, 2)) as gross,
        cast(replace(replace("Fees", '$', ''), ',', '') as decimal(18, 2)) as fee
    from read_csv('{inbox}/square/transactions/*.csv', header = true, all_varchar = true)
),

paypal_rows as (
    select
        c01 as id, c05 as code, c19 as trace, c02 as order_ref, c10 as currency, filename,
        (case when c08 = 'CR' then 1 else -1 end) * cast(c09 as bigint) as gross_minor,
        (case when c11 = 'CR' then 1 else -1 end) * coalesce(try_cast(c12 as bigint), 0) as fee_minor
    from read_csv(
        '{inbox}/paypal/settlement/*.CSV', header = false, delim = ',', quote = '"', null_padding = true,
            filename = true, auto_detect = false, escape = '"',
        columns = {{{paypal_columns}}}, strict_mode = false
    )
    where c00 = 'SB'
),

-- a day's lines are what the withdrawal at its end takes out
paypal as (
    select
        'paypal' as system, lines.code as kind, lines.order_ref, payouts.id as payout, lines.currency,
        cast(lines.gross_minor as decimal(18, 2)) / case when lines.currency = 'JPY' then 1 else 100 end as gross,
        cast(lines.fee_minor as decimal(18, 2)) / case when lines.currency = 'JPY' then 1 else 100 end as fee
    from paypal_rows as lines
    left join paypal_rows as payouts
        on lines.filename = payouts.filename and lines.currency = payouts.currency and payouts.code = 'T0400'
    where lines.code <> 'T0400'
)

select * from shopify
union all select * from stripe
union all select * from adyen where kind <> 'MerchantPayout'
union all select * from amazon
union all select * from square
union all select * from paypal;

create table orders as
select
    ltrim(Name, '#') as order_ref, any_value(Currency) as currency, any_value(cast(Total as decimal(18, 2))) as total
from read_csv('{inbox}/shopify/orders/*.csv', header = true, all_varchar = true)
where Total is not null
group by Name;

create table order_results as
with charges as (
    select order_ref, currency, count(*) as charge_count, sum(gross) as charged
    from lines
    where lower(kind) in ('charge', 'settled', 'order', 'payment', 't0006')
    group by order_ref, currency
)

select
    coalesce(orders.order_ref, charges.order_ref) as order_ref,
    orders.total,
    charges.charged,
    case
        when charges.order_ref is null then 'MISSING_PAYMENT'
        when orders.order_ref is null then 'MISSING_ORDER'
        when orders.total <> charges.charged then 'PRICE_MISMATCH'
        else 'MATCHED'
    end as result
from orders
full outer join charges on orders.order_ref = charges.order_ref and orders.currency = charges.currency;

create table payout_results as
with sums as (
    select system, payout, currency, count(*) as line_count, sum(gross) as gross, sum(fee) as fees, sum(gross
        + fee) as net
    from lines
    where payout is not null
    group by system, payout, currency
),

deposits as (
    select system, payout_id, currency, deposit_minor, payout_minor
    from read_csv('{key}/payouts.csv', header = true)
)

select
    sums.*,
    deposits.payout_minor,
    deposits.deposit_minor,
    case
        when deposits.payout_id is null then 'MISSING_PAYOUT'
        when round(sums.net * case when sums.currency = 'JPY' then 1 else 100 end) <> deposits.payout_minor
            then 'LINES_DO_NOT_ADD_UP'
        when deposits.deposit_minor is null then 'DEPOSIT_MISSING'
        when deposits.deposit_minor <> deposits.payout_minor then 'DEPOSIT_DIFFERS'
        else 'TIED_OUT'
    end as state
from sums
left join deposits
    on
        sums.system = deposits.system
        and sums.currency = deposits.currency
        and (sums.payout = deposits.payout_id or split_part(sums.payout, '/', 2) = deposits.payout_id);
"""


def main(inbox: str, key: str, out: str) -> None:
    """Join and sum an org's files into tables of a DuckDB file and print the counts."""
    started = time.perf_counter()
    Path(out).unlink(missing_ok=True)
    columns = ", ".join(f"'c{number:02}': 'VARCHAR'" for number in range(24))
    with duckdb.connect(out) as con:
        con.execute("set preserve_insertion_order = false")
        con.execute("set memory_limit = '5GB'")
        con.execute("set threads = 2")
        con.execute(SQL.format(inbox=inbox, key=key, paypal_columns=columns))
        for table, column in (("order_results", "result"), ("payout_results", "state")):
            query = f"select {column}, count(*) from {table} group by all order by all"
            for name, rows in con.execute(query).fetchall():
                print(f"{table:15} {name:20} {rows:12,}")
    print(f"{time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: python -m bench.payouts_reference INBOX KEY OUT.duckdb")
    main(*sys.argv[1:])
