{#
    CTEs `governed`, `exposed`, `fitting` and `dealt_with`: the rows of a relation with what is at stake in the base currency, and with the rule and the accepted difference
    that fit them (model resolution_terms). Of several that fit the one of the lowest precedence counts.

    relation:    has `exception_id` (any key that is not null), `org_id, stream, anomaly, counterparty_id, business_date, currency, amount_minor, source_activity_id,
                 target_activity_id`
    fields:      fields of the policy to carry as well
    any_anomaly: whether the rows have no anomaly to go by; rules of every anomaly fit them then, from their least amount on
    Adds `base_currency`, `exposure_base_minor` (null where no rate converts), `measured_minor` (the exposure, or the amount where there is no base currency) in `unit_currency`,
    `rule_id, classification, strategy, budget_minor, has_manual_rule, accepted_by, accepted_owner, accepted_reason`.
#}
{% macro _dealt_with(relation, fields=[], any_anomaly=false) -%}
governed as (
    select
        {{ relation }}.*,
        {%- for field in fields %}
        {{ _policy_field(field) }} as {{ field }},
        {%- endfor %}
        {{ _policy_field('base_currency') }} as base_currency,
        {{ _policy_field('fx_pivot') }} as fx_pivot,
        {{ _policy_field('fx_max_age_days') }} as fx_max_age_days
    from {{ relation }}
    {{ _policy_joins_of_streams(relation) }}
),

valued as (
    select
        governed.*,
        rates.org_id is not null as has_rate,
        case when governed.currency <> governed.base_currency and abs(governed.amount_minor) < 1000000000000000 then governed.amount_minor * rates.numerator end as product,
        rates.denominator
    from governed
    {{ _rate_join(
        'rates', org='governed.org_id', pivot='governed.fx_pivot', from='governed.currency', into='governed.base_currency', date='governed.business_date',
        max_age='governed.fx_max_age_days'
    ) }}
),

-- what an amount is in the base currency: itself, or converted as a step converts
rounded as (
    select
        valued.*,
        {{ divide_half_even('product', 'denominator') }} as quotient
    from valued
),

exposed as (
    select
        rounded.*,
        cast(case
            when currency = base_currency then amount_minor
            when abs(quotient) < 4000000000000000000 then quotient
        end as bigint) as exposure_base_minor,
        coalesce(base_currency, currency) as unit_currency,
        cast(case
            when base_currency is null or currency = base_currency then amount_minor
            when abs(quotient) < 4000000000000000000 then quotient
        end as bigint) as measured_minor
    from rounded
),

kinds_of_rows as (
    select distinct
        org_id,
        stream,
        {{ text_literal(none) if any_anomaly else 'anomaly' }} as anomaly
    from {{ relation }}
),

terms_of_kinds as (
    select
        kinds_of_rows.org_id,
        kinds_of_rows.stream,
        kinds_of_rows.anomaly,
        terms.kind,
        terms.precedence,
        terms.strategy,
        terms.counterparty_id,
        terms.activity_id,
        terms.from_minor,
        terms.below_minor,
        terms.valid_from,
        terms.valid_to
    from kinds_of_rows
    inner join {{ ref('resolution_terms') }} as terms
        on
            kinds_of_rows.org_id = terms.org_id
            and (terms.stream is null or terms.stream = kinds_of_rows.stream)
            {%- if not any_anomaly %}
            and (
                terms.anomaly is null
                or terms.anomaly = kinds_of_rows.anomaly
                or (right(terms.anomaly, 1) = '_' and left(kinds_of_rows.anomaly, length(terms.anomaly)) = terms.anomaly)
            )
            {%- endif %}
    where terms.is_effective
),

fitting as (
    select
        exposed.org_id,
        exposed.exception_id,
        min(case when terms.kind = 'RULE' then terms.precedence end) as rule_precedence,
        min(case when terms.kind = 'ACCEPTED' then terms.precedence end) as accepted_precedence,
        max(case when terms.strategy = 'MANUAL' then 1 else 0 end) as manual_rules
    from exposed
    inner join terms_of_kinds as terms
        on
            exposed.org_id = terms.org_id
            and exposed.stream = terms.stream
            {%- if not any_anomaly %}
            and exposed.anomaly = terms.anomaly
            {%- endif %}
            and (terms.counterparty_id is null or terms.counterparty_id = exposed.counterparty_id)
            and (terms.activity_id is null or terms.activity_id = exposed.source_activity_id or terms.activity_id = exposed.target_activity_id)
            {#- An amount that nobody knows fits only what is about every amount; of a pin, whose anomaly may measure less than its records, nothing is too large. #}
            {%- if any_anomaly %}
            and (terms.from_minor = 0 or coalesce(exposed.measured_minor >= terms.from_minor, true))
            {%- else %}
            and (terms.from_minor = 0 or exposed.measured_minor >= terms.from_minor)
            and (terms.below_minor is null or exposed.measured_minor < terms.below_minor)
            {%- endif %}
            and coalesce(exposed.business_date, date '0001-01-01') between terms.valid_from and terms.valid_to
    group by exposed.org_id, exposed.exception_id
),

dealt_with as (
    select
        exposed.*,
        rules.term_id as rule_id,
        case when accepted.term_id is not null then 'OK' else rules.classification end as classification,
        rules.strategy,
        rules.budget_minor,
        coalesce(fitting.manual_rules, 0) = 1 as has_manual_rule,
        accepted.term_id as accepted_by,
        accepted.owner as accepted_owner,
        accepted.reason as accepted_reason
    from exposed
    left join fitting
        on exposed.org_id = fitting.org_id and exposed.exception_id = fitting.exception_id
    left join {{ ref('resolution_terms') }} as rules
        on fitting.org_id = rules.org_id and rules.kind = 'RULE' and fitting.rule_precedence = rules.precedence
    left join {{ ref('resolution_terms') }} as accepted
        on fitting.org_id = accepted.org_id and accepted.kind = 'ACCEPTED' and fitting.accepted_precedence = accepted.precedence
)
{%- endmacro %}

{# The month of a business date, as `2026-03`: what a budget is for. #}
{% macro _month_of(date) -%}
    substr(cast({{ date }} as {{ type_text() }}), 1, 7)
{%- endmacro %}
