{{ config(materialized='view') }}
{%- set current = "'current reserve amount'" -%}
{%- set previous = "'previous reserve amount balance'" -%}
-- Every component counts, those of an unknown kind too: what they mean is our matter, that they add up is the file's.
with components as (
    select
        staged.*,
        {{ ascii_lower("coalesce(staged.amount_description, '')") }} as what,
        {{ ascii_lower("coalesce(staged.transaction_type, '')") }} = 'transfer' as is_transfer,
        coalesce(staged.transaction_type, staged.amount_type, staged.amount_description) is not null as is_detail
    from {{ ref('stg_amazon__settlement_v2') }} as staged
),

-- a component that says no amount
component_lines as (
    select
        org_id,
        'row_identity' as balance,
        'amount of ' || settlement_id as scope,
        currency,
        cast(null as bigint) as expected,
        amount_minor as actual,
        false as holds,
        batch_id,
        row_number
    from components
    where is_detail and amount_minor is null
),

settlements as (
    select
        org_id,
        batch_id,
        settlement_id,
        max(currency) as currency,
        max(total_amount_minor) as total_minor,
        sum(case when is_detail and not is_transfer then amount_minor else 0 end) as component_minor,
        max(settlement_start_date) as started_at,
        max(settlement_end_date) as ended_at,
        max(received_at) as received_at,
        coalesce(max(case when what in ({{ current }}, {{ previous }}) then marketplace_name end), max(marketplace_name), '') as marketplace,
        sum(case when what = {{ current }} then amount_minor else 0 end) as kept_minor,
        sum(case when what = {{ previous }} then amount_minor else 0 end) as returned_minor
    from components
    group by org_id, batch_id, settlement_id
),

totals as (
    select
        org_id,
        'file_total' as balance,
        settlement_id as scope,
        currency,
        total_minor as expected,
        component_minor as actual,
        total_minor = component_minor as holds,
        batch_id
    from settlements
),

-- a settlement that was delivered more than once is told by what came last
latest as (
    select
        settlements.*,
        row_number() over (partition by org_id, settlement_id order by received_at desc, batch_id) as occurrence
    from settlements
),

-- the reserve that one settlement keeps comes back in the next of the same marketplace that has one
reserves as (
    select
        org_id,
        'continuity' as balance,
        'reserve of ' || settlement_before || ' to ' || settlement_id as scope,
        currency,
        -kept_before as expected,
        returned_minor as actual,
        -kept_before = returned_minor as holds,
        batch_id
    from (
        select
            latest.*,
            lag(settlement_id) over (partition by org_id, marketplace, currency order by started_at, {{ by_bytes('settlement_id') }}) as settlement_before,
            lag(kept_minor) over (partition by org_id, marketplace, currency order by started_at, {{ by_bytes('settlement_id') }}) as kept_before
        from latest
        where occurrence = 1 and started_at is not null and (kept_minor <> 0 or returned_minor <> 0)
    ) as followed
    where settlement_before is not null
),

sums as (
    select * from totals
    union all
    select * from reserves
)

{{ as_identities('amazon/settlement_v2', 'sums', lines='component_lines') }}
