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
        {%- if tolerant %}
        case results.ladder
            {%- for name in tolerant %}
            when '{{ name }}' then '{{ _anomaly_of(_ladder(name), 'price_tolerance') }}'
            {%- endfor %}
        end as anomaly,
        {%- else %}
        {{ text_literal(none) }} as anomaly,
        {%- endif %}
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
            or (
                results.result = 'MISMATCHED'
                and results.member_count is null
                {%- for name in tolerant %}
                and not (results.ladder = '{{ name }}' and ',' || results.anomalies || ',' like '%,{{ _anomaly_of(_ladder(name), 'price_tolerance') }},%')
                {%- endfor %}
            )
        )
),

{{ _dealt_with('passed') }},

-- what rules have written off in earlier runs is gone
written_off as (
    select
        org_id,
        rule_id,
        counterparty_id,
        month,
        currency,
        sum(absorbed_minor) as absorbed_minor
    from {{ _absorptions() }}
    group by org_id, rule_id, counterparty_id, month, currency
),

numbered as (
    select
        dealt_with.*,
        {{ _month_of('business_date') }} as month,
        sum(measured_minor) over (
            partition by org_id, rule_id, counterparty_id, {{ _month_of('business_date') }}, unit_currency
            order by business_date, {{ by_bytes('exception_id') }}
            rows between unbounded preceding and current row
        ) as tolerated_minor
    from dealt_with
    where budget_minor is not null and measured_minor is not null and business_date is not null
),

used as (
    select
        numbered.*,
        numbered.tolerated_minor + coalesce(written_off.absorbed_minor, 0) as used_minor
    from numbered
    left join written_off
        on
            numbered.org_id = written_off.org_id
            and numbered.rule_id = written_off.rule_id
            and numbered.counterparty_id is not distinct from written_off.counterparty_id
            and numbered.month = written_off.month
            and numbered.unit_currency = written_off.currency
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
    from used
)

select *
from tolerated_differences
