{{ config(materialized='view') }}
-- Orders, not their lines. Status NO_PROCESSOR: paid by nothing that a processor pays out, so that no payment is to be found.
with heads as (
    select *
    from {{ ref('stg_shopify__orders') }}
    where is_valid and not is_continuation
),

tenders as (
    select
        payment_method,
        {{ split_rows("replace(payment_method, ' + ', ',')") }} as tender
    from (
        select distinct payment_method
        from heads
        where payment_method is not null
    ) as methods
),

methods_outside as (
    select tenders.payment_method
    from tenders
    left join {{ ref('tenders_outside_payouts') }} as outside
        on {{ ascii_lower(trim_blanks('tenders.tender')) }} = outside.tender
    group by tenders.payment_method
    having count(*) = count(outside.tender)
),

orders as (
    select
        heads.org_id,
        heads.name as activity_id,
        0 as version,
        coalesce(heads.location, 'shopify') as counterparty_id,
        'ORDER' as activity_type,
        {{ without_number_sign('heads.name') }} as order_ref,
        coalesce(heads.payment_reference, heads.payment_id) as payment_ref,
        heads.payment_method as description,
        case
            when {{ ascii_lower('heads.financial_status') }} in ('voided', 'expired') then 'CANCELLED'
            when methods_outside.payment_method is not null then 'NO_PROCESSOR'
            when {{ ascii_lower('heads.financial_status') }} in ('pending', 'authorized') then 'UNPAID'
            when {{ ascii_lower('heads.financial_status') }} = 'refunded' then 'REFUNDED'
            when {{ ascii_lower('heads.financial_status') }} in ('paid', 'partially_paid', 'partially_refunded') then 'BOOKED'
            else 'UNKNOWN'
        end as status,
        heads.financial_status as source_status,
        heads.currency,
        heads.total_exponent as exponent,
        heads.total_minor as amount_minor,
        coalesce(heads.paid_at, heads.created_at) as event_at,
        heads.business_date,
        heads.received_at,
        heads.batch_id,
        heads.row_number
    from heads
    left join methods_outside
        on heads.payment_method = methods_outside.payment_method
)

{{ as_canonical(records='orders', system='shopify', entity='orders', absent=['batch_ref', 'fee_minor', 'net_minor']) }}
