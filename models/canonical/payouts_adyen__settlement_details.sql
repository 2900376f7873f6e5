{{ config(materialized='view') }}
-- A batch has one payout a currency, or none where all of it is carried to the next batch: then nothing is sent, and that is said.
with batches as (
    select
        org_id,
        batch_id,
        merchant_account,
        batch_number,
        net_currency as currency,
        max(net_debit_exponent) as exponent,
        max(net_credit_exponent) as credit_exponent,
        sum(case when kind = 'PAYOUT' then coalesce(net_debit_minor, 0) - coalesce(net_credit_minor, 0) end) as paid_minor,
        min(case when kind = 'PAYOUT' then {{ by_bytes('modification_reference') }} end) as reference,
        min(case when kind = 'PAYOUT' then {{ by_bytes('type') }} end) as paid_as,
        min(case when kind = 'ROLLING_BALANCE' then {{ by_bytes('type') }} end) as carried_as,
        max(case when kind in ('PAYOUT', 'ROLLING_BALANCE') then creation_date end) as event_at,
        max(case when kind in ('PAYOUT', 'ROLLING_BALANCE') then business_date end) as business_date,
        min(received_at) as received_at,
        min(case when kind in ('PAYOUT', 'ROLLING_BALANCE') then row_number end) as row_number
    from {{ ref('stg_adyen__settlement_details') }}
    where is_valid
    group by org_id, batch_id, merchant_account, batch_number, net_currency
),

payouts as (
    select
        org_id,
        merchant_account || ' ' || batch_number || ' ' || currency as activity_id,
        0 as version,
        merchant_account as counterparty_id,
        'PAYOUT' as activity_type,
        -- the bank's text has no more of it than this
        trim(split_part(reference, ',', 1)) as payment_ref,
        merchant_account || ' ' || batch_number || ' ' || currency as batch_ref,
        case when paid_as is null then 'carried' else reference end as description,
        'BOOKED' as status,
        coalesce(paid_as, carried_as) as source_status,
        currency,
        coalesce(exponent, credit_exponent) as exponent,
        coalesce(paid_minor, 0) as amount_minor,
        0 as fee_minor,
        coalesce(paid_minor, 0) as net_minor,
        event_at,
        business_date,
        received_at,
        batch_id,
        row_number
    from batches
    where coalesce(paid_as, carried_as) is not null
)

{{ as_canonical('payouts', 'adyen', 'payouts', absent=['order_ref']) }}
