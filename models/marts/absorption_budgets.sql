-- How much of each budget is used: what tolerance let pass and what rules wrote off, by rule, counterparty and month of the business date.
with absorbed as (
    select
        org_id,
        rule_id,
        counterparty_id,
        month,
        unit_currency as currency,
        measured_minor as by_tolerance_minor,
        0 as by_rule_minor,
        1 as tolerated_count,
        0 as written_off_count,
        case when is_over then 1 else 0 end as over_budget_count
    from {{ ref('tolerated_differences') }}
    union all
    select
        org_id,
        rule_id,
        counterparty_id,
        {{ _month_of('business_date') }} as month,
        absorbed_currency as currency,
        0 as by_tolerance_minor,
        absorbed_minor as by_rule_minor,
        0 as tolerated_count,
        1 as written_off_count,
        0 as over_budget_count
    from {{ ref('exception_log') }}
    where event = 'AUTO_WRITTEN_OFF'
),

by_month as (
    select
        org_id,
        rule_id,
        counterparty_id,
        month,
        currency,
        sum(by_tolerance_minor) as by_tolerance_minor,
        sum(by_rule_minor) as by_rule_minor,
        sum(tolerated_count) as tolerated_count,
        sum(written_off_count) as written_off_count,
        sum(over_budget_count) as over_budget_count
    from absorbed
    group by org_id, rule_id, counterparty_id, month, currency
),

-- a rule that says another budget within a month gives that month the larger one
stated as (
    select
        by_month.org_id,
        by_month.rule_id,
        by_month.month,
        max(terms.budget_minor) as budget_minor
    from (select distinct org_id, rule_id, month from by_month) as by_month
    inner join {{ ref('resolution_terms') }} as terms
        on
            by_month.org_id = terms.org_id
            and by_month.rule_id = terms.term_id
            and by_month.month between {{ _month_of('terms.valid_from') }} and {{ _month_of('terms.valid_to') }}
    where terms.kind = 'RULE' and terms.is_effective
    group by by_month.org_id, by_month.rule_id, by_month.month
),

absorption_budgets as (
    select
        by_month.org_id,
        by_month.rule_id,
        by_month.counterparty_id,
        cast(by_month.month as {{ type_text() }}) as month,
        by_month.currency,
        stated.budget_minor,
        cast(by_month.by_tolerance_minor as {{ type_decimal(38, 0) }}) as by_tolerance_minor,
        cast(by_month.by_rule_minor as {{ type_decimal(38, 0) }}) as by_rule_minor,
        cast(stated.budget_minor - by_month.by_tolerance_minor - by_month.by_rule_minor as {{ type_decimal(38, 0) }}) as left_minor,
        cast(by_month.tolerated_count as bigint) as tolerated_count,
        cast(by_month.written_off_count as bigint) as written_off_count,
        cast(by_month.over_budget_count as bigint) as over_budget_count
    from by_month
    left join stated
        on by_month.org_id = stated.org_id and by_month.rule_id = stated.rule_id and by_month.month = stated.month
)

select *
from absorption_budgets
