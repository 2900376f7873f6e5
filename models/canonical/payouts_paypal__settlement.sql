{{ config(materialized='view') }}
-- A withdrawal to the bank. Which movements it took is told only where the balance began and ended the section with nothing.
with payouts as (
    select
        org_id,
        transaction_id as activity_id,
        version,
        coalesce(account_id, 'paypal') as counterparty_id,
        'PAYOUT' as activity_type,
        bank_reference_id as payment_ref,
        transaction_id as batch_ref,
        case when payout_id is null then 'NOT_ITEMISABLE' else 'BOOKED' end as status,
        transaction_event_code as source_status,
        gross_transaction_currency as currency,
        gross_transaction_amount_exponent as exponent,
        -gross_transaction_amount_minor as amount_minor,
        0 as fee_minor,
        -gross_transaction_amount_minor as net_minor,
        transaction_initiation_date as event_at,
        business_date,
        received_at,
        batch_id,
        row_number
    from {{ ref('stg_paypal__settlement') }}
    where is_valid and kind = 'PAYOUT'
)

{{ as_canonical('payouts', 'paypal', 'payouts', absent=['order_ref', 'description']) }}
