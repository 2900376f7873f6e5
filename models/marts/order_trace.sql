{{ config(materialized='view') }}
-- An order's whole way: order, charge, payout, deposit; one row a charge, or an order that has none.
with charges_of_orders as (
    select
        groups.org_id,
        groups.source_activity_id as order_id,
        groups.source_order_ref as order_ref,
        groups.source_amount_minor as order_minor,
        groups.source_currency as order_currency,
        groups.source_event_at as ordered_at,
        charges.target_system as charge_system,
        charges.target_activity_id as charge_id,
        charges.target_amount_minor as charge_minor,
        charges.target_currency as charge_currency,
        charges.target_event_at as charged_at,
        charges.target_batch_id as charge_batch_id,
        charges.target_row_number as charge_row_number,
        'by_order' as matched_by
    from {{ ref('orders_to_charges__by_order') }} as groups
    inner join {{ ref('orders_to_charges__by_order') }} as charges
        on
            groups.outcome = 'GROUP'
            and charges.outcome = 'MEMBER'
            and charges.group_batch_id = groups.source_batch_id
            and charges.group_row_number = groups.source_row_number
    {%- for step in _ladder('orders_to_charges').steps if step != 'by_order' %}
    {%- set on = _step_keys('orders_to_charges', step) %}
    union all
    select
        org_id,
        source_activity_id as order_id,
        source_order_ref as order_ref,
        source_amount_minor as order_minor,
        source_currency as order_currency,
        source_event_at as ordered_at,
        {%- for column, name in [['system', 'system'], ['activity_id', 'id'], ['amount_minor', 'minor'], ['currency', 'currency']] %}
        {{ _held_column('pairs', 'target', column, on) }} as charge_{{ name }},
        {%- endfor %}
        target_event_at as charged_at,
        target_batch_id as charge_batch_id,
        target_row_number as charge_row_number,
        '{{ step }}' as matched_by
    from {{ ref('orders_to_charges__' ~ step) }} as pairs
    where outcome = 'PAIR'
    {%- endfor %}
    union all
    select
        org_id,
        case when side = 'SOURCE' then activity_id end as order_id,
        order_ref,
        case when side = 'SOURCE' then amount_minor end as order_minor,
        case when side = 'SOURCE' then currency end as order_currency,
        case when side = 'SOURCE' then event_at end as ordered_at,
        case when side = 'TARGET' then system end as charge_system,
        case when side = 'TARGET' then activity_id end as charge_id,
        case when side = 'TARGET' then amount_minor end as charge_minor,
        case when side = 'TARGET' then currency end as charge_currency,
        case when side = 'TARGET' then event_at end as charged_at,
        case when side = 'TARGET' then batch_id end as charge_batch_id,
        case when side = 'TARGET' then row_number end as charge_row_number,
        {{ text_literal(none) }} as matched_by
    from {{ ref('orders_to_charges__unmatched') }}
),

-- the payout that a charge is a member of
payouts_of_charges as (
    select
        source_batch_id,
        source_row_number,
        group_batch_id,
        group_row_number
    from {{ ref('legs_to_payouts__by_payout') }}
    where outcome = 'MEMBER'
),

order_trace as (
    select
        charges.org_id,
        charges.order_id,
        charges.order_ref,
        charges.order_currency,
        charges.order_minor,
        charges.ordered_at,
        charges.charge_system,
        charges.charge_id,
        charges.charge_currency,
        charges.charge_minor,
        charges.charged_at,
        charges.matched_by,
        payouts.payout_id,
        payouts.payout_date,
        payouts.state as payout_state,
        payouts.deposit_id,
        payouts.deposit_minor
    from charges_of_orders as charges
    left join payouts_of_charges
        on charges.charge_batch_id = payouts_of_charges.source_batch_id and charges.charge_row_number = payouts_of_charges.source_row_number
    left join {{ ref('payout_tie_out') }} as payouts
        on payouts_of_charges.group_batch_id = payouts.batch_id and {{ file_row('payouts_of_charges.group_row_number') }} = payouts.row_number
)

select
    cast(org_id as {{ type_text() }}) as org_id,
    cast(order_id as {{ type_text() }}) as order_id,
    cast(order_ref as {{ type_text() }}) as order_ref,
    cast(order_currency as {{ type_text() }}) as order_currency,
    cast(order_minor as bigint) as order_minor,
    cast(ordered_at as timestamp) as ordered_at,
    cast(charge_system as {{ type_text() }}) as charge_system,
    cast(charge_id as {{ type_text() }}) as charge_id,
    cast(charge_currency as {{ type_text() }}) as charge_currency,
    cast(charge_minor as bigint) as charge_minor,
    cast(charged_at as timestamp) as charged_at,
    cast(matched_by as {{ type_text() }}) as matched_by,
    cast(payout_id as {{ type_text() }}) as payout_id,
    cast(payout_date as date) as payout_date,
    cast(payout_state as {{ type_text() }}) as payout_state,
    cast(deposit_id as {{ type_text() }}) as deposit_id,
    cast(deposit_minor as bigint) as deposit_minor
from order_trace
