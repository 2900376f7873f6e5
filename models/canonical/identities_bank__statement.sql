{{ config(materialized='view') }}
-- What a bank's file must say of itself, as rows of `control_totals`: each statement adds up, opens with what the one before closed with and is the next in
-- number, the file's own totals are those of what it holds, and every booked entry could be given a sign.
with statements as (
    select
        bank_statements.*,
        coalesce(account, 'no account') || coalesce(' ' || cast(statement_number as {{ type_text() }}), '')
        || coalesce('/' || cast(page_number as {{ type_text() }}), '') as named
    from {{ ref('bank_statements') }} as bank_statements
),

-- a statement that was delivered again, in whatever file, stands once in its account's chain
ranked as (
    select
        statements.*,
        row_number() over (
            partition by org_id, account, currency, statement_number, page_number, opening_date, closing_date, opening_minor, closing_minor
            order by received_at, batch_id, statement_index
        ) as copy_number
    from statements
    where opening_minor is not null and closing_minor is not null
),

chained as (
    select
        ranked.*,
        lag(closing_minor) over account_order as closing_before,
        lag(statement_number) over account_order as number_before
    from ranked
    where copy_number = 1
    window account_order as (
        partition by org_id, account, currency
        order by
            closing_date, coalesce(statement_number, 0), coalesce(page_number, 0), opening_date, received_at, batch_id, statement_index
    )
),

totals as (
    select
        staged.*,
        'bank/statement ' || coalesce(staged.account || ' ', '') || {{ ascii_lower('staged.balance_type') }} as named
    from {{ ref('stg_bank__statement') }} as staged
    where
        staged.is_valid
        and staged.record_type = 'total'
        and staged.balance_type not in ('CREDITS_ALONE', 'DEBITS_ALONE')
),

balances as (
    -- opening + movements = closing
    select
        org_id,
        'statement' as balance,
        'bank/statement ' || named as scope,
        currency,
        closing_minor as expected,
        opening_minor + moved_minor as actual,
        batch_id
    from statements
    where opening_minor is not null or closing_minor is not null
    union all
    -- the next opening = this closing
    select
        org_id,
        'continuity' as balance,
        'bank/statement ' || named as scope,
        currency,
        closing_before as expected,
        opening_minor as actual,
        batch_id
    from chained
    where closing_before is not null
    union all
    -- no number is left out; a bank may begin again at 1, and one that always says the same number does not count
    select
        org_id,
        'sequence' as balance,
        'bank/statement ' || named as scope,
        currency,
        case when statement_number = 1 then 1 else number_before + 1 end as expected,
        statement_number as actual,
        batch_id
    from chained
    where statement_number <> number_before
    union all
    -- what the file says its sums are = what was read of it
    select
        org_id,
        'file_total' as balance,
        named as scope,
        currency,
        amount_minor as expected,
        counted_amount_minor as actual,
        batch_id
    from totals
    where counted_amount_minor is not null
    union all
    select
        org_id,
        'file_count' as balance,
        named as scope,
        currency,
        item_count as expected,
        counted_items as actual,
        batch_id
    from totals
    where counted_items is not null
    union all
    -- every booked entry has a sign, a day and a known status
    select
        org_id,
        'entries' as balance,
        'bank/statement ' || named as scope,
        currency,
        entries as expected,
        entries_read as actual,
        batch_id
    from statements
    where entries > 0
)

select
    balances.org_id,
    cast(balances.balance as {{ type_text() }}) as balance,
    balances.scope,
    balances.currency,
    cast(balances.expected as {{ type_decimal(38, 0) }}) as expected,
    cast(balances.actual as {{ type_decimal(38, 0) }}) as actual,
    cast(balances.expected - balances.actual as {{ type_decimal(38, 0) }}) as difference,
    coalesce(balances.expected = balances.actual, false) as holds,
    balances.batch_id,
    cast(null as bigint) as row_number
from balances
