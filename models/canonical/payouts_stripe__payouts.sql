{{ config(materialized='view') }}
-- Payouts of the report, and of those that only their lines name the sum of the lines, as the version before any of the report.
with batch_signs as (
    -- exports of the API's rows show payouts as the negative amounts that they are to the balance
    select
        batch_id,
        count(*) > 1 and max(net_minor) < 0 as is_negated
    from {{ ref('stg_stripe__payouts') }}
    where is_valid and net_minor <> 0 and kind = 'PAYOUT'
    group by batch_id
),

lines as (
    select
        automatic_payout_id as payout_id,
        org_id
    from {{ ref('stg_stripe__payout_reconciliation') }}
    where is_valid and automatic_payout_id is not null
    group by automatic_payout_id, org_id
),

reported as (
    select
        staged.org_id,
        staged.payout_id as activity_id,
        0 as version,
        'stripe' as counterparty_id,
        'PAYOUT' as activity_type,
        staged.payout_id as batch_ref,
        staged.trace_id as payment_ref,
        coalesce(staged.payout_description, staged.description) as description,
        staged.payout_status as source_status,
        case
            when {{ ascii_lower('staged.payout_status') }} in ('failed', 'canceled', 'cancelled') then 'CANCELLED'
            when
                lines.payout_id is null and (
                    {{ ascii_lower("coalesce(staged.payout_description, '')") }} like '%manual%'
                    or {{ ascii_lower("coalesce(staged.payout_description, '')") }} like '%instant%'
                    or {{ ascii_lower("coalesce(staged.payout_type, '')") }} in ('manual', 'instant', 'card')
                )
                then 'NOT_ITEMISABLE'
            else 'BOOKED'
        end as status,
        staged.currency,
        staged.net_exponent as exponent,
        case when coalesce(batch_signs.is_negated, false) then -staged.net_minor else staged.net_minor end as amount_minor,
        coalesce(cast(staged.payout_expected_arrival_date as timestamp), staged.effective_at) as event_at,
        coalesce(staged.payout_expected_arrival_date, cast(staged.effective_at as date)) as business_date,
        staged.received_at,
        staged.batch_id,
        staged.row_number
    from {{ ref('stg_stripe__payouts') }} as staged
    left join batch_signs
        on staged.batch_id = batch_signs.batch_id
    left join lines
        on staged.org_id = lines.org_id and staged.payout_id = lines.payout_id
    where staged.is_valid and staged.kind = 'PAYOUT'
),

-- a line that is delivered again adds nothing; what a later delivery adds makes a new sum, received then
first_lines as (
    select
        org_id,
        automatic_payout_id as payout_id,
        currency,
        net_exponent as exponent,
        net_minor,
        trace_id,
        coalesce(automatic_payout_effective_at, available_on) as event_at,
        received_at,
        batch_id,
        row_number,
        row_number() over (partition by org_id, balance_transaction_id order by received_at, batch_id, row_number) as delivery
    from {{ ref('stg_stripe__payout_reconciliation') }}
    where is_valid and automatic_payout_id is not null and kind not in ('PAYOUT', 'IGNORED')
),

sums_of_batches as (
    select
        org_id,
        payout_id,
        currency,
        exponent,
        batch_id,
        received_at,
        min(row_number) as row_number,
        min(trace_id) as trace_id,
        max(event_at) as event_at,
        sum(net_minor) as net_minor
    from first_lines
    where delivery = 1
    group by org_id, payout_id, currency, exponent, batch_id, received_at
),

summed as (
    select
        org_id,
        payout_id as activity_id,
        -1 as version,
        'stripe' as counterparty_id,
        'PAYOUT' as activity_type,
        payout_id as batch_ref,
        max(trace_id) over so_far as payment_ref,
        'summed' as description,
        cast(null as {{ type_text() }}) as source_status,
        'BOOKED' as status,
        currency,
        exponent,
        sum(net_minor) over so_far as amount_minor,
        max(event_at) over so_far as event_at,
        cast(max(event_at) over so_far as date) as business_date,
        received_at,
        batch_id,
        row_number
    from sums_of_batches
    window so_far as (partition by org_id, payout_id, currency order by received_at, batch_id rows between unbounded preceding and current row)
),

payouts as (
    select
        records.*,
        records.amount_minor as net_minor
    from (
        select * from reported
        union all
        select * from summed
    ) as records
)

{{ as_canonical(records='payouts', system='stripe', entity='payouts', absent=['order_ref', 'fee_minor']) }}
