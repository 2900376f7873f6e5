{{ config(materialized='view') }}
-- The file has no deposits of its own: each is the sum of its card parts and fees.
-- A sale that is delivered again adds nothing; what a later delivery adds makes a new sum, received then. Of sales of one id that came together the content
-- decides which counts: their order and their files say nothing.
with ordered_sales as (
    select
        org_id,
        deposit_id,
        currency,
        card_exponent as exponent,
        card_minor + fees_minor as amount_minor,
        deposit_date,
        received_at,
        batch_id,
        row_number,
        row_number() over (
            partition by org_id, payment_id
            order by
                received_at, {{ by_bytes('deposit_id') }}, {{ by_bytes('currency') }}, card_minor + fees_minor, deposit_date, {{ by_bytes('batch_id') }},
                row_number
        ) as delivery
    from {{ ref('stg_square__transactions') }}
    where is_valid and deposit_id is not null and kind <> 'IGNORED'
),

sums_of_batches as (
    select
        org_id,
        deposit_id,
        currency,
        exponent,
        batch_id,
        received_at,
        min(row_number) as row_number,
        max(deposit_date) as deposit_date,
        sum(amount_minor) as amount_minor
    from ordered_sales
    where delivery = 1
    group by org_id, deposit_id, currency, exponent, batch_id, received_at
),

-- all that came at one time makes one sum, however many files it came in; the first sale of the first file stands for it
running_sums as (
    select
        org_id,
        deposit_id,
        currency,
        exponent,
        received_at,
        batch_id,
        row_number,
        max(deposit_date) over so_far as deposit_date,
        sum(amount_minor) over so_far as amount_minor,
        row_number() over (partition by org_id, deposit_id, currency, received_at order by {{ by_bytes('batch_id') }}) as place
    from sums_of_batches
    window so_far as (partition by org_id, deposit_id, currency order by received_at range between unbounded preceding and current row)
),

payouts as (
    select
        org_id,
        deposit_id as activity_id,
        0 as version,
        'square' as counterparty_id,
        'PAYOUT' as activity_type,
        deposit_id as batch_ref,
        'summed' as description,
        'BOOKED' as status,
        currency,
        exponent,
        amount_minor,
        amount_minor as net_minor,
        cast(deposit_date as timestamp) as event_at,
        deposit_date as business_date,
        received_at,
        batch_id,
        row_number
    from running_sums
    where place = 1
)

{{ as_canonical(records='payouts', system='square', entity='payouts', absent=['order_ref', 'payment_ref', 'source_status', 'fee_minor']) }}
