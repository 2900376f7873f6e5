{{ config(materialized='view') }}
-- The file has no payout id. Where the movements of that day and currency name one, that is it; among several the one whose movements come to the total.
-- Where a file has several payouts of a day and currency, each is told by its total and, among equal ones, by its reference; without one, two are two where
-- movements name as many.
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

-- equal totals of a day are taken in the order of the ids
numbered_ids as (
    select
        movements.*,
        row_number() over (partition by org_id, payout_date, currency, net_minor order by {{ by_bytes('payout_id') }}) as occurrence
    from movements
),

counted_ids as (
    select
        org_id,
        payout_date,
        currency,
        net_minor,
        count(*) as ids
    from movements
    group by org_id, payout_date, currency, net_minor
),

-- rows of one reference are copies of one payout
ranked_payouts as (
    select
        staged.*,
        counted_ids.ids,
        dense_rank() over (
            partition by staged.org_id, staged.batch_id, staged.payout_date, staged.currency, staged.total_minor
            order by case when staged.bank_reference is null then 1 else 0 end, {{ by_bytes('staged.bank_reference') }}
        ) as place,
        row_number() over (
            partition by staged.org_id, staged.batch_id, staged.payout_date, staged.currency, staged.total_minor, staged.bank_reference
            order by {{ by_bytes('staged.status') }}, staged.row_number
        ) as copy
    from {{ ref('stg_shopify__payouts') }} as staged
    left join counted_ids
        on
            staged.org_id = counted_ids.org_id
            and staged.payout_date = counted_ids.payout_date
            and staged.currency = counted_ids.currency
            and staged.total_minor = counted_ids.net_minor
    where staged.is_valid
),

numbered_payouts as (
    select
        ranked_payouts.*,
        place + case when bank_reference is null then least(copy, greatest(coalesce(ids, 0) - place + 1, 1)) - 1 else 0 end as occurrence
    from ranked_payouts
),

payouts_of_files as (
    select distinct
        org_id,
        batch_id,
        payout_date,
        currency,
        total_minor,
        occurrence
    from numbered_payouts
),

shared_days as (
    select distinct
        org_id,
        payout_date,
        currency
    from payouts_of_files
    group by org_id, batch_id, payout_date, currency
    having count(*) > 1
),

-- the payouts of such a day, each with the id whose movements come to its total
told_apart as (
    select
        slots.org_id,
        slots.payout_date,
        slots.currency,
        slots.total_minor,
        slots.occurrence,
        numbered_ids.payout_id
    from (select distinct org_id, payout_date, currency, total_minor, occurrence from payouts_of_files) as slots
    inner join shared_days
        on slots.org_id = shared_days.org_id and slots.payout_date = shared_days.payout_date and slots.currency = shared_days.currency
    left join numbered_ids
        on
            slots.org_id = numbered_ids.org_id
            and slots.payout_date = numbered_ids.payout_date
            and slots.currency = numbered_ids.currency
            and slots.total_minor = numbered_ids.net_minor
            and slots.occurrence = numbered_ids.occurrence
),

-- the only payout without an id and the only id without a payout are one
last_payouts as (
    select
        org_id,
        payout_date,
        currency
    from told_apart
    where payout_id is null
    group by org_id, payout_date, currency
    having count(*) = 1
),

last_ids as (
    select
        movements.org_id,
        movements.payout_date,
        movements.currency,
        min(movements.payout_id) as payout_id
    from movements
    inner join last_payouts
        on movements.org_id = last_payouts.org_id and movements.payout_date = last_payouts.payout_date and movements.currency = last_payouts.currency
    left join told_apart
        on movements.org_id = told_apart.org_id and movements.payout_id = told_apart.payout_id
    where told_apart.payout_id is null
    group by movements.org_id, movements.payout_date, movements.currency
    having count(*) = 1
),

identified as (
    select
        staged.*,
        case
            when told_apart.org_id is not null
                then coalesce(
                    told_apart.payout_id, last_ids.payout_id,
                    cast(staged.payout_date as {{ type_text() }}) || ' ' || {{ minor_text('staged.total_minor', 'staged.total_exponent') }}
                    || ' ' || staged.currency || case when staged.occurrence > 1 then ' #' || cast(staged.occurrence as {{ type_text() }}) else '' end
                )
            else coalesce(single_ids.payout_id, ids_by_total.payout_id, cast(staged.payout_date as {{ type_text() }}) || ' ' || staged.currency)
        end as payout_id
    from numbered_payouts as staged
    left join told_apart
        on
            staged.org_id = told_apart.org_id
            and staged.payout_date = told_apart.payout_date
            and staged.currency = told_apart.currency
            and staged.total_minor = told_apart.total_minor
            and staged.occurrence = told_apart.occurrence
    left join last_ids
        on
            staged.org_id = last_ids.org_id
            and staged.payout_date = last_ids.payout_date
            and staged.currency = last_ids.currency
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
),

payouts as (
    select
        org_id,
        payout_id as activity_id,
        0 as version,
        'shopify' as counterparty_id,
        'PAYOUT' as activity_type,
        payout_id as batch_ref,
        bank_reference as payment_ref,
        status as source_status,
        case when {{ ascii_lower('status') }} in ('failed', 'canceled', 'cancelled') then 'CANCELLED' else 'BOOKED' end as status,
        currency,
        total_exponent as exponent,
        total_minor as amount_minor,
        total_minor as net_minor,
        cast(payout_date as timestamp) as event_at,
        payout_date as business_date,
        received_at,
        batch_id,
        row_number
    from identified
)

{{ as_canonical(records='payouts', system='shopify', entity='payouts', absent=['order_ref', 'description', 'fee_minor']) }}
