{{ config(materialized='view') }}
-- Payouts of the report, and of those that only their lines name the sum of the lines, as the version before any of the report.
with lines_of_payouts as (
    select
        org_id,
        automatic_payout_id as payout_id,
        balance_transaction_id,
        currency,
        net_exponent as exponent,
        net_minor,
        trace_id,
        coalesce(automatic_payout_effective_at, available_on) as event_at,
        kind,
        received_at,
        batch_id,
        row_number
    from {{ ref('stg_stripe__payout_reconciliation') }}
    where is_valid and automatic_payout_id is not null
),

-- a line that is delivered again adds nothing; what a later delivery adds makes a new sum, received then. Of lines of one id that came together the content
-- decides which counts: their order and their files say nothing
ordered_lines as (
    select
        lines_of_payouts.*,
        row_number() over (
            partition by org_id, balance_transaction_id
            order by
                received_at, {{ by_bytes('payout_id') }}, {{ by_bytes('currency') }}, net_minor, event_at, {{ by_bytes('trace_id') }},
                {{ by_bytes('batch_id') }}, row_number
        ) as delivery
    from lines_of_payouts
    where kind not in ('PAYOUT', 'IGNORED')
),

sums_of_batches as (
    select
        org_id,
        payout_id,
        currency,
        exponent,
        batch_id,
        received_at,
        min(row_number) as row_number,
        max({{ by_bytes('trace_id') }}) as trace_id,
        max(event_at) as event_at,
        sum(net_minor) as net_minor
    from ordered_lines
    where delivery = 1
    group by org_id, payout_id, currency, exponent, batch_id, received_at
),

-- all that came at one time makes one sum, however many files it came in; the first line of the first file stands for it
running_sums as (
    select
        org_id,
        payout_id,
        currency,
        exponent,
        received_at,
        batch_id,
        row_number,
        max({{ by_bytes('trace_id') }}) over so_far as trace_id,
        max(event_at) over so_far as event_at,
        sum(net_minor) over so_far as net_minor,
        row_number() over (partition by org_id, payout_id, currency, received_at order by {{ by_bytes('batch_id') }}) as place
    from sums_of_batches
    window so_far as (partition by org_id, payout_id, currency order by received_at range between unbounded preceding and current row)
),

summed as (
    select
        org_id,
        payout_id as activity_id,
        -1 as version,
        'stripe' as counterparty_id,
        'PAYOUT' as activity_type,
        payout_id as batch_ref,
        trace_id as payment_ref,
        'summed' as description,
        cast(null as {{ type_text() }}) as source_status,
        'BOOKED' as status,
        currency,
        exponent,
        net_minor as amount_minor,
        event_at,
        cast(event_at as date) as business_date,
        received_at,
        batch_id,
        row_number
    from running_sums
    where place = 1
),

itemised as (
    select
        org_id,
        payout_id
    from lines_of_payouts
    group by org_id, payout_id
),

totals as (
    select
        org_id,
        payout_id,
        currency,
        sum(net_minor) as net_minor
    from sums_of_batches
    group by org_id, payout_id, currency
),

-- Exports of the API's rows show payouts as the negative amounts that they are to the balance. No file says which kind it is, and how an export was cut into
-- files must not decide: an org has such exports where clearly more of all its payouts are below zero than above. More deliveries may teach better; records
-- here may change without a delivery of their own, and whoever reads them compares them anew (`derived` in the registry).
signs_of_orgs as (
    select
        org_id,
        count(distinct case when net_minor < 0 then payout_id end) > 1 + count(distinct case when net_minor > 0 then payout_id end) as is_negated
    from {{ ref('stg_stripe__payouts') }}
    where is_valid and kind = 'PAYOUT'
    group by org_id
),

reported as (
    select
        staged.org_id,
        staged.payout_id as activity_id,
        0 as version,
        'stripe' as counterparty_id,
        'PAYOUT' as activity_type,
        staged.payout_id as batch_ref,
        staged.trace_id as payment_ref,
        coalesce(staged.payout_description, staged.description) as description,
        staged.payout_status as source_status,
        case
            when {{ ascii_lower('staged.payout_status') }} in ('failed', 'canceled', 'cancelled') then 'CANCELLED'
            when
                itemised.payout_id is null and (
                    {{ ascii_lower("coalesce(staged.payout_description, '')") }} like '%manual%'
                    or {{ ascii_lower("coalesce(staged.payout_description, '')") }} like '%instant%'
                    or {{ ascii_lower("coalesce(staged.payout_type, '')") }} in ('manual', 'instant', 'card')
                )
                then 'NOT_ITEMISABLE'
            else 'BOOKED'
        end as status,
        staged.currency,
        staged.net_exponent as exponent,
        case
            -- where the lines come to the payout, they say its sign
            when totals.net_minor = staged.net_minor then staged.net_minor
            when totals.net_minor = -staged.net_minor or signs_of_orgs.is_negated then -staged.net_minor
            else staged.net_minor
        end as amount_minor,
        coalesce(cast(staged.payout_expected_arrival_date as timestamp), staged.effective_at) as event_at,
        coalesce(staged.payout_expected_arrival_date, cast(staged.effective_at as date)) as business_date,
        staged.received_at,
        staged.batch_id,
        staged.row_number
    from {{ ref('stg_stripe__payouts') }} as staged
    left join signs_of_orgs
        on staged.org_id = signs_of_orgs.org_id
    left join itemised
        on staged.org_id = itemised.org_id and staged.payout_id = itemised.payout_id
    left join totals
        on
            staged.org_id = totals.org_id
            and staged.payout_id = totals.payout_id
            and staged.currency = totals.currency
    where staged.is_valid and staged.kind = 'PAYOUT'
),

payouts as (
    select
        records.*,
        records.amount_minor as net_minor
    from (
        select * from reported
        union all
        select * from summed
    ) as records
)

{{ as_canonical(records='payouts', system='stripe', entity='payouts', absent=['order_ref', 'fee_minor']) }}
