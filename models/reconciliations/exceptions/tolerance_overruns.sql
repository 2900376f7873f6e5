{{ config(materialized='view') }}
-- Differences within the tolerance that the budget of their month does not cover any more, as findings.
with overruns as (
    select *
    from {{ ref('tolerated_differences') }}
    where is_over
),

tolerance_overruns as (
    select
        overruns.org_id,
        overruns.stream,
        overruns.ladder,
        cast('budget' as {{ type_text() }}) as step,
        cast('TOLERANCE_BUDGET_EXCEEDED' as {{ type_text() }}) as anomaly,
        overruns.system,
        overruns.activity_id,
        overruns.counterparty_id,
        overruns.business_date,
        overruns.currency,
        overruns.amount_minor,
        overruns.amount_minor as difference_minor,
        'a difference of ' || {{ minor_text('overruns.amount_minor', 'own.exponent') }} || ' ' || overruns.currency
        || ' is within the tolerance, but the budget of rule ' || overruns.rule_id || ' for ' || coalesce(overruns.counterparty_id, 'no counterparty') || ' in '
        || overruns.month || ', ' || {{ minor_text('overruns.budget_minor', 'units.exponent') }} || ' ' || overruns.unit_currency || ', is used up.' as detail,
        overruns.rule_version,
        overruns.batch_id,
        overruns.row_number
    from overruns
    inner join {{ ref('currencies') }} as own
        on overruns.currency = own.currency
    inner join {{ ref('currencies') }} as units
        on overruns.unit_currency = units.currency
)

select *
from tolerance_overruns
