{#- What is wrong with money movements by themselves: no other side has to be asked. -#}
{%- set rule_text -%}
Findings of ecommerce_payouts{{ of_orgs('ecommerce_payouts', 'org_id', after='where') }}.
REFUND_WITHOUT_ORDER: a refund names neither an order of the shop nor a payment that was charged.
CHARGEBACK_OPEN: no reversal of the same payment has come since.
SETTLED_TWICE: charges of one payment and one amount stand in several payouts.
FEE_VARIANCE: a charge's fee is not percent of the charge, rounded half to even, plus the fixed fee of seeds/contracted_fees.csv.
SOURCE_DOES_NOT_ADD_UP: a file's own arithmetic does not hold (control_totals, of_what = file).
{%- endset -%}
{{ config(
    materialized='table',
    meta={'rule': rule_text, 'ladder': 'legs_to_payouts', 'stream': 'ecommerce_payouts', 'step': 'findings'}
) }}
with legs as (
    {{ live_records(records='processor_legs', columns=[
        'org_id', 'system', 'activity_id', 'activity_type', 'order_ref', 'payment_ref', 'batch_ref', 'counterparty_id', 'business_date', 'currency',
        'amount_minor', 'event_at', 'batch_id', 'row_number'
    ], stream='ecommerce_payouts') }}
),

charges as (
    select *
    from legs
    where activity_type = 'CHARGE'
),

known_orders as (
    select distinct
        org_id,
        order_ref
    from {{ ref('shop_orders') }}
),

known_payments as (
    select distinct
        org_id,
        system,
        payment_ref
    from charges
    where payment_ref is not null
),

-- asked only where the shop's orders have come at all
shops as (
    select distinct org_id
    from known_orders
),

refunds_without_order as (
    select
        legs.*,
        'REFUND_WITHOUT_ORDER' as anomaly,
        cast(null as bigint) as difference_minor,
        'a refund of order ' || coalesce(legs.order_ref, '(none)') || ', payment ' || coalesce(legs.payment_ref, '(none)')
        || ': neither is known.' as detail
    from legs
    inner join shops
        on legs.org_id = shops.org_id
    left join known_orders
        on legs.org_id = known_orders.org_id and legs.order_ref = known_orders.order_ref
    left join known_payments
        on legs.org_id = known_payments.org_id and legs.system = known_payments.system and legs.payment_ref = known_payments.payment_ref
    where legs.activity_type = 'REFUND' and known_orders.order_ref is null and known_payments.payment_ref is null
),

reversed_payments as (
    select
        org_id,
        system,
        coalesce(payment_ref, order_ref) as payment,
        max(event_at) as last_reversed_at
    from legs
    where activity_type = 'CHARGEBACK_REVERSAL' and coalesce(payment_ref, order_ref) is not null
    group by org_id, system, coalesce(payment_ref, order_ref)
),

open_chargebacks as (
    select
        legs.*,
        'CHARGEBACK_OPEN' as anomaly,
        cast(null as bigint) as difference_minor,
        'the customer''s bank took the money back and no reversal has come.' as detail
    from legs
    left join reversed_payments
        on
            legs.org_id = reversed_payments.org_id
            and legs.system = reversed_payments.system
            and coalesce(legs.payment_ref, legs.order_ref) = reversed_payments.payment
            -- the customer's bank may take the money back a second time
            and legs.event_at <= reversed_payments.last_reversed_at
    where legs.activity_type = 'CHARGEBACK' and reversed_payments.payment is null
),

-- few payments are, so that only their charges have to be put in order; other amounts are further captures of the payment
payments_settled_twice as (
    select
        org_id,
        system,
        payment_ref,
        amount_minor,
        min({{ by_bytes('batch_ref') }}) as first_payout,
        max({{ by_bytes('batch_ref') }}) as last_payout
    from charges
    where payment_ref is not null and batch_ref is not null
    group by org_id, system, payment_ref, amount_minor
    having min(batch_ref) <> max(batch_ref)
),

numbered_settlements as (
    select
        charges.*,
        twice.first_payout,
        twice.last_payout,
        row_number() over (
            partition by charges.org_id, charges.system, charges.payment_ref, charges.amount_minor
            order by charges.event_at, {{ by_bytes('charges.activity_id') }}
        ) as settlement
    from charges
    inner join payments_settled_twice as twice
        on
            charges.org_id = twice.org_id
            and charges.system = twice.system
            and charges.payment_ref = twice.payment_ref
            and charges.amount_minor = twice.amount_minor
    where charges.batch_ref is not null
),

settled_twice as (
    select
        {%- for column in [
            'org_id', 'system', 'activity_id', 'activity_type', 'order_ref', 'payment_ref', 'batch_ref', 'counterparty_id', 'business_date', 'currency',
            'amount_minor', 'event_at', 'batch_id', 'row_number'
        ] %}
        {{ column }},
        {%- endfor %}
        'SETTLED_TWICE' as anomaly,
        cast(null as bigint) as difference_minor,
        'payment ' || payment_ref || ' is settled in payout ' || first_payout || ' and in payout ' || last_payout || '.' as detail
    from numbered_settlements
    where settlement = 2
),

-- a fee in whole minor units: percent has at most four decimals, so that amount times percent times 10^4 is whole; beyond 10^12 minor units a charge is no
-- charge that a contract was made for
expected_fees as (
    select
        charges.org_id,
        charges.system,
        charges.activity_id,
        fees.fixed_minor,
        charges.amount_minor * cast(fees.percent * 10000 as bigint) as share,
        1000000 as whole
    from charges
    inner join {{ ref('charge_methods') }} as methods
        on charges.batch_id = methods.batch_id and charges.row_number = methods.row_number
    inner join {{ ref('contracted_fees') }} as fees
        on
            charges.system = fees.system
            and charges.currency = fees.currency
            and {{ ascii_lower("coalesce(methods.method, '')") }} = coalesce(fees.method, '')
    where abs(charges.amount_minor) < 1000000000000
),

rounded_fees as (
    select
        org_id,
        system,
        activity_id,
        cast(-({{ divide_half_even('share', 'whole') }} + fixed_minor) as bigint) as expected_minor
    from expected_fees
),

charged_fees as (
    select
        org_id,
        system,
        activity_id,
        amount_minor
    from legs
    where activity_type = 'FEE'
),

fee_variances as (
    select
        charges.*,
        'FEE_VARIANCE' as anomaly,
        coalesce(charged_fees.amount_minor, 0) - rounded_fees.expected_minor as difference_minor,
        'the fee is ' || {{ minor_text('abs(coalesce(charged_fees.amount_minor, 0))', 'currencies.exponent') }} || ' ' || charges.currency
        || ', contracted are ' || {{ minor_text('abs(rounded_fees.expected_minor)', 'currencies.exponent') }} || ' ' || charges.currency || '.' as detail
    from charges
    inner join rounded_fees
        on
            charges.org_id = rounded_fees.org_id
            and charges.system = rounded_fees.system
            and charges.activity_id = rounded_fees.activity_id
    inner join {{ ref('currencies') }} as currencies
        on charges.currency = currencies.currency
    left join charged_fees
        on
            charges.org_id = charged_fees.org_id
            and charges.system = charged_fees.system
            and charges.activity_id || ':fee' = charged_fees.activity_id
    where coalesce(charged_fees.amount_minor, 0) <> rounded_fees.expected_minor
),

-- a file that breaks one promise in several places is one finding, and so is one that comes again under its name and still breaks it: the last one is told
broken_promises as (
    select
        totals.org_id,
        batches.system,
        totals.scope || ' (' || totals.balance || coalesce(' ' || totals.currency, '') || ') in ' || batches.source_file as activity_id,
        batches.source_file,
        totals.balance,
        totals.currency,
        totals.batch_id,
        sum(totals.expected) as expected,
        sum(totals.actual) as actual,
        min(totals.row_number) as row_number,
        row_number() over (
            partition by totals.org_id, batches.system, totals.scope, totals.balance, totals.currency, batches.source_file
            order by max(batches.received_at) desc, totals.batch_id
        ) as recency
    from (
        {%- for model in var('identities') %}
        select
            org_id,
            balance,
            scope,
            currency,
            expected,
            actual,
            batch_id,
            row_number
        from {{ ref(model) }}
        where not coalesce(holds, false){{ of_orgs('ecommerce_payouts', 'org_id') }}
        {{- '\n        union all' if not loop.last }}
        {%- endfor %}
    ) as totals
    inner join {{ source('landing', 'batches') }} as batches
        on totals.batch_id = batches.batch_id
    group by totals.org_id, batches.system, totals.scope, totals.balance, totals.currency, totals.batch_id, batches.source_file
),

broken_files as (
    select
        org_id,
        system,
        activity_id,
        system as counterparty_id,
        cast(null as date) as business_date,
        currency,
        -- more than any amount is no amount
        case when abs(expected) < 4000000000000000000 then cast(abs(expected) as bigint) end as amount_minor,
        batch_id,
        coalesce(row_number, 0) as row_number,
        'SOURCE_DOES_NOT_ADD_UP' as anomaly,
        case when abs(expected - actual) < 4000000000000000000 then cast(expected - actual as bigint) end as difference_minor,
        source_file || ' contradicts itself (' || balance || '): ' || coalesce(cast(expected as {{ type_text() }}), 'nothing') || ' stated, '
        || coalesce(cast(actual as {{ type_text() }}), 'nothing') || ' found, in minor units.' as detail
    from broken_promises
    where recency = 1
),

found as (
    {%- for part in ['refunds_without_order', 'open_chargebacks', 'settled_twice', 'fee_variances', 'broken_files'] %}
    select
        org_id,
        system,
        activity_id,
        counterparty_id,
        business_date,
        currency,
        amount_minor,
        batch_id,
        row_number,
        anomaly,
        difference_minor,
        detail
    from {{ part }}
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

payout_findings as (
    select
        org_id,
        cast('ecommerce_payouts' as {{ type_text() }}) as stream,
        cast('legs_to_payouts' as {{ type_text() }}) as ladder,
        cast('findings' as {{ type_text() }}) as step,
        cast(anomaly as {{ type_text() }}) as anomaly,
        system,
        activity_id,
        counterparty_id,
        business_date,
        currency,
        amount_minor,
        difference_minor,
        cast(detail as {{ type_text() }}) as detail,
        substr(md5('{{ local_md5(rule_text) }}'), 1, 12) as rule_version,
        batch_id,
        row_number
    from found
)

select *
from payout_findings
