{{ config(materialized='view') }}
-- Every movement counts, those of an unknown kind too: what they mean is our matter, that they add up is the file's.
with records as (
    select
        staged.*,
        coalesce(staged.account_id, 'paypal') as account,
        coalesce(staged.file_number, '') || '/' || coalesce(staged.section, '') as place
    from {{ ref('stg_paypal__settlement') }} as staged
),

movements as (
    select
        org_id,
        batch_id,
        place,
        gross_transaction_currency as currency,
        max(account) as account,
        count(*) as row_count,
        sum(case when balance_effect = 'MOVES' and gross_transaction_amount_minor > 0 then gross_transaction_amount_minor else 0 end) as gross_credits,
        sum(case when balance_effect = 'MOVES' and gross_transaction_amount_minor < 0 then -gross_transaction_amount_minor else 0 end) as gross_debits,
        sum(case when balance_effect = 'MOVES' and fee_amount_minor > 0 then fee_amount_minor else 0 end) as fee_credits,
        sum(case when balance_effect = 'MOVES' and fee_amount_minor < 0 then -fee_amount_minor else 0 end) as fee_debits
    from records
    where record_type = 'SB'
    group by org_id, batch_id, place, gross_transaction_currency
),

footers as (
    select
        org_id,
        batch_id,
        place,
        record_type,
        account,
        gross_transaction_currency as currency,
        received_at,
        period_start,
        record_count,
        coalesce(gross_credits_minor, 0) as gross_credits,
        coalesce(gross_debits_minor, 0) as gross_debits,
        coalesce(fee_credits_minor, 0) as fee_credits,
        coalesce(fee_debits_minor, 0) as fee_debits,
        begin_balance_minor,
        end_balance_minor
    from records
    where record_type in ('SF', 'RF')
),

section_footers as (
    select *
    from footers
    where record_type = 'SF'
),

-- each of a section's totals against its movements; a currency without a footer is a file that was cut short
sections as (
    select
        coalesce(footers.org_id, movements.org_id) as org_id,
        'file_total' as balance,
        coalesce(footers.account, movements.account) || ' section ' || coalesce(footers.place, movements.place) as scope,
        coalesce(footers.currency, movements.currency) as currency,
        footers.gross_credits - footers.gross_debits + footers.fee_credits - footers.fee_debits as expected,
        coalesce(movements.gross_credits - movements.gross_debits + movements.fee_credits - movements.fee_debits, 0) as actual,
        footers.gross_credits = coalesce(movements.gross_credits, 0)
        and footers.gross_debits = coalesce(movements.gross_debits, 0)
        and footers.fee_credits = coalesce(movements.fee_credits, 0)
        and footers.fee_debits = coalesce(movements.fee_debits, 0)
        and coalesce(footers.record_count, movements.row_count, 0) = coalesce(movements.row_count, 0) as holds,
        coalesce(footers.batch_id, movements.batch_id) as batch_id
    from section_footers as footers
    full outer join movements
        on footers.batch_id = movements.batch_id and footers.place = movements.place and footers.currency = movements.currency
),

-- the report's own total of its sections; those of other files are not known here, so only a report of one file is judged
reports as (
    select
        reports.org_id,
        'file_total' as balance,
        reports.account || ' report' as scope,
        reports.currency,
        reports.gross_credits - reports.gross_debits + reports.fee_credits - reports.fee_debits as expected,
        coalesce(sum(parts.gross_credits - parts.gross_debits + parts.fee_credits - parts.fee_debits), 0) as actual,
        reports.gross_credits = coalesce(sum(parts.gross_credits), 0)
        and reports.gross_debits = coalesce(sum(parts.gross_debits), 0)
        and reports.fee_credits = coalesce(sum(parts.fee_credits), 0)
        and reports.fee_debits = coalesce(sum(parts.fee_debits), 0) as holds,
        reports.batch_id
    from footers as reports
    left join footers as parts
        on reports.batch_id = parts.batch_id and reports.currency = parts.currency and parts.record_type = 'SF'
    where reports.record_type = 'RF' and {{ matches('reports.place', '0*1/') }}
    group by
        reports.org_id, reports.batch_id, reports.account, reports.currency, reports.gross_credits, reports.gross_debits, reports.fee_credits,
        reports.fee_debits
),

-- the rows that a section says it has against those that its footers say of each currency
counts as (
    select
        totals.org_id,
        'file_total' as balance,
        totals.account || ' rows of section ' || totals.place as scope,
        cast(null as {{ type_text() }}) as currency,
        totals.record_count as expected,
        coalesce(counted.footer_count, counted.row_count, 0) as actual,
        totals.record_count = coalesce(counted.footer_count, counted.row_count, 0) as holds,
        totals.batch_id
    from records as totals
    left join (
        select
            batch_id,
            place,
            sum(case when record_type = 'SF' then record_count end) as footer_count,
            sum(case when record_type = 'SB' then 1 end) as row_count
        from records
        group by batch_id, place
    ) as counted
        on totals.batch_id = counted.batch_id and totals.place = counted.place
    where totals.record_type = 'SC' and totals.record_count is not null
),

statements as (
    select
        org_id,
        'continuity' as balance,
        account || ' section ' || place as scope,
        currency,
        begin_balance_minor + gross_credits - gross_debits + fee_credits - fee_debits as expected,
        end_balance_minor as actual,
        begin_balance_minor + gross_credits - gross_debits + fee_credits - fee_debits = end_balance_minor as holds,
        batch_id
    from footers
    where record_type = 'SF' and begin_balance_minor is not null and end_balance_minor is not null
),

-- a period that was delivered more than once is told by what came last
periods as (
    select
        footers.*,
        row_number() over (partition by org_id, account, currency, period_start order by received_at desc, batch_id) as occurrence
    from footers
    where record_type = 'SF' and begin_balance_minor is not null and end_balance_minor is not null and period_start is not null
),

successions as (
    select
        org_id,
        'continuity' as balance,
        account || ' balance brought forward' as scope,
        currency,
        end_before as expected,
        begin_balance_minor as actual,
        end_before = begin_balance_minor as holds,
        batch_id
    from (
        select
            periods.*,
            lag(end_balance_minor) over (partition by org_id, account, currency order by period_start) as end_before
        from periods
        where occurrence = 1
    ) as followed
    where end_before is not null
),

sums as (
    select * from sections
    union all
    select * from reports
    union all
    select * from counts
    union all
    select * from statements
    union all
    select * from successions
)

{{ as_identities('paypal/settlement', 'sums') }}
