{{ config(materialized='table') }}
{#- Ladders whose price tolerance lets differences pass. -#}
{%- set tolerant = [] %}
{%- for name in _ladder_names() if 'price_tolerance' in _ladder(name).checks %}{% do tolerant.append(name) %}{% endfor %}
-- Every difference that a price tolerance let pass under a rule that has a budget, in the order in which they use it up.
with budgeted_orgs as (
    select distinct org_id
    from {{ ref('resolution_terms') }}
    where is_effective and budget_minor is not null
),

passed as (
    select
        results.result_id as exception_id,
        results.org_id,
        results.stream,
        results.ladder,
        'PRICE_MISMATCH' as anomaly,
        results.counterparty_id,
        results.business_date,
        case when results.base_difference_minor is not null then results.base_currency else results.source_currency end as currency,
        abs(coalesce(results.base_difference_minor, results.difference_minor)) as amount_minor,
        results.source_activity_id,
        results.target_activity_id,
        coalesce(results.source_system, results.target_system) as system,
        coalesce(results.source_batch_id, results.target_batch_id) as batch_id,
        coalesce(results.source_row_number, results.target_row_number) as row_number,
        results.rule_version
    from {{ ref('reconciliation_results') }} as results
    inner join budgeted_orgs
        on results.org_id = budgeted_orgs.org_id
    where
        results.ladder in ('{{ tolerant | join("', '") }}')
        and results.step <> 'pinned'
        and coalesce(results.base_difference_minor, results.difference_minor) <> 0
        -- of a group only what matched; of a pair the price may have passed where something else did not
        and (
            results.result = 'MATCHED'
            or (results.result = 'MISMATCHED' and results.member_count is null and ',' || results.anomalies || ',' not like '%,PRICE_MISMATCH,%')
        )
),

{{ _dealt_with('passed') }},

numbered as (
    select
        dealt_with.*,
        {{ _month_of('business_date') }} as month,
        sum(measured_minor) over (
            partition by org_id, rule_id, counterparty_id, {{ _month_of('business_date') }}, unit_currency
            order by business_date, {{ by_bytes('exception_id') }}
            rows between unbounded preceding and current row
        ) as used_minor
    from dealt_with
    where budget_minor is not null and measured_minor is not null and business_date is not null
),

tolerated_differences as (
    select
        exception_id as result_id,
        org_id,
        stream,
        ladder,
        system,
        coalesce(source_activity_id, target_activity_id) as activity_id,
        counterparty_id,
        business_date,
        cast(month as {{ type_text() }}) as month,
        cast(currency as {{ type_text() }}) as currency,
        cast(amount_minor as bigint) as amount_minor,
        cast(unit_currency as {{ type_text() }}) as unit_currency,
        measured_minor,
        cast(used_minor as {{ type_decimal(38, 0) }}) as used_minor,
        rule_id,
        budget_minor,
        used_minor > budget_minor as is_over,
        rule_version,
        batch_id,
        row_number
    from numbered
)

select *
from tolerated_differences
