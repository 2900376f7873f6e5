{{ config(materialized='view') }}
-- A withdrawal to the bank in an activity download; what a settlement report tells of the same one has a higher version and goes before it.
with payouts as (
    select
        staged.org_id,
        staged.transaction_id as activity_id,
        0 as version,
        'paypal' as counterparty_id,
        'PAYOUT' as activity_type,
        staged.transaction_id as batch_ref,
        case when balances.payout_id is null then 'NOT_ITEMISABLE' else 'BOOKED' end as status,
        staged.type as source_status,
        staged.currency,
        staged.gross_exponent as exponent,
        -staged.gross_minor as amount_minor,
        0 as fee_minor,
        -staged.gross_minor as net_minor,
        staged.booked_at as event_at,
        staged.business_date,
        staged.received_at,
        staged.batch_id,
        staged.row_number
    from {{ ref('stg_paypal__activity') }} as staged
    left join {{ ref('paypal_activity__balances') }} as balances
        on staged.batch_id = balances.batch_id and staged.row_number = balances.row_number
    where staged.is_valid and staged.kind = 'PAYOUT'
)

{{ as_canonical('payouts', 'paypal', 'payouts', absent=['order_ref', 'payment_ref', 'description']) }}
