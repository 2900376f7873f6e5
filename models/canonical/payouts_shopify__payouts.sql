{{ config(materialized='view') }}
-- The file has no payout id. Where the movements of that day and currency name one, that is it; among several the one whose movements come to the total.
with numbered_movements as (
    select
        org_id,
        payout_date,
        currency,
        payout_id,
        net_minor,
        transaction_date,
        type,
        order_name,
        checkout,
        amount_minor,
        fee_minor,
        received_at,
        batch_id,
        row_number,
        row_number() over (
            partition by org_id, batch_id, payout_id, transaction_date, type, order_name, checkout, amount_minor, fee_minor
            order by payout_date, {{ by_bytes('currency') }}, net_minor, row_number
        ) as occurrence
    from {{ ref('stg_shopify__payout_transactions') }}
    where is_valid and payout_id is not null and payout_date is not null and kind not in ('PAYOUT', 'IGNORED')
),

-- a movement that was delivered again counts once, as it came last; of several that came together the content decides: their order and their files say nothing
ordered_movements as (
    select
        org_id,
        payout_date,
        currency,
        payout_id,
        net_minor,
        row_number() over (
            partition by org_id, payout_id, transaction_date, type, order_name, checkout, amount_minor, fee_minor, occurrence
            order by received_at desc, payout_date, {{ by_bytes('currency') }}, net_minor, {{ by_bytes('batch_id') }}, row_number
        ) as delivery
    from numbered_movements
),

movements as (
    select
        org_id,
        payout_date,
        currency,
        payout_id,
        sum(net_minor) as net_minor
    from ordered_movements
    where delivery = 1
    group by org_id, payout_date, currency, payout_id
),

single_ids as (
    select
        org_id,
        payout_date,
        currency,
        min(payout_id) as payout_id
    from movements
    group by org_id, payout_date, currency
    having count(*) = 1
),

ids_by_total as (
    select
        org_id,
        payout_date,
        currency,
        net_minor,
        min(payout_id) as payout_id
    from movements
    group by org_id, payout_date, currency, net_minor
    having count(*) = 1
),

payouts as (
    select
        staged.org_id,
        coalesce(
            single_ids.payout_id, ids_by_total.payout_id,
            cast(staged.payout_date as {{ type_text() }}) || ' ' || staged.currency
        ) as activity_id,
        0 as version,
        'shopify' as counterparty_id,
        'PAYOUT' as activity_type,
        coalesce(
            single_ids.payout_id, ids_by_total.payout_id,
            cast(staged.payout_date as {{ type_text() }}) || ' ' || staged.currency
        ) as batch_ref,
        staged.bank_reference as payment_ref,
        staged.status as source_status,
        case when {{ ascii_lower('staged.status') }} in ('failed', 'canceled', 'cancelled') then 'CANCELLED' else 'BOOKED' end as status,
        staged.currency,
        staged.total_exponent as exponent,
        staged.total_minor as amount_minor,
        staged.total_minor as net_minor,
        cast(staged.payout_date as timestamp) as event_at,
        staged.payout_date as business_date,
        staged.received_at,
        staged.batch_id,
        staged.row_number
    from {{ ref('stg_shopify__payouts') }} as staged
    left join single_ids
        on
            staged.org_id = single_ids.org_id
            and staged.payout_date = single_ids.payout_date
            and staged.currency = single_ids.currency
    left join ids_by_total
        on
            staged.org_id = ids_by_total.org_id
            and staged.payout_date = ids_by_total.payout_date
            and staged.currency = ids_by_total.currency
            and staged.total_minor = ids_by_total.net_minor
    where staged.is_valid
)

{{ as_canonical(records='payouts', system='shopify', entity='payouts', absent=['order_ref', 'description', 'fee_minor']) }}
