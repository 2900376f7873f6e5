{{ config(materialized='view') }}
-- The total of each settlement. Tools that copy the summary onto every line must not count it more than once; the summary itself, which has no amount of its
-- own, goes before its copies, wherever they stand.
with summaries as (
    select
        staged.*,
        row_number() over (
            partition by batch_id, settlement_id
            order by amount_minor is not null, total_amount_minor, deposit_date, settlement_end_date, {{ by_bytes('currency') }}, row_number
        ) as occurrence
    from {{ ref('stg_amazon__settlement_v2') }} as staged
    where is_valid and total_amount_minor is not null
),

payouts as (
    select
        org_id,
        settlement_id as activity_id,
        0 as version,
        'amazon' as counterparty_id,
        'PAYOUT' as activity_type,
        settlement_id as payment_ref,
        settlement_id as batch_ref,
        'BOOKED' as status,
        'summary' as source_status,
        currency,
        total_amount_exponent as exponent,
        total_amount_minor as amount_minor,
        0 as fee_minor,
        total_amount_minor as net_minor,
        coalesce(deposit_date, settlement_end_date) as event_at,
        cast(coalesce(deposit_date, settlement_end_date) as date) as business_date,
        received_at,
        batch_id,
        row_number
    from summaries
    where occurrence = 1
)

{{ as_canonical('payouts', 'amazon', 'payouts', absent=['order_ref', 'description']) }}
