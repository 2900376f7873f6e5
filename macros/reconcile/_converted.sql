{#
    CTE `converted`: the measured rows with both amounts in the base currency, where the policy measures in it (`base_currency` is null elsewhere). Matches only. The rate
    is that of the row's business date, else the latest before it that is no older than the policy's `fx_max_age_days`; amount * numerator / denominator, rounded
    half-even to a minor unit. `is_rate_missing`: a rate is needed and there is none.

    is_match: condition that a row is a match.
#}
{% macro _converted(is_match) -%}
    {# What is more than this, in minor units, is no amount that a rate could be multiplied with. #}
    {%- set most = '1000000000000000' %}
rated as {{ inline_cte() }} (
    select
        measured.*,
        {%- for role in ['source', 'target'] %}
        {{ role }}_rates.rate as {{ role }}_rate,
        {{ role }}_rates.rate_date as {{ role }}_rate_date,
        {{ role }}_rates.rate_source as {{ role }}_rate_source,
        case
            when measured.{{ role }}_currency <> measured.base_currency and abs(measured.{{ role }}_amount_minor) < {{ most }}
                then measured.{{ role }}_amount_minor * {{ role }}_rates.numerator
        end as {{ role }}_product,
        {{ role }}_rates.denominator as {{ role }}_denominator,
        {%- endfor %}
        measured.base_currency is not null and {{ is_match }} and (
            {%- for role in ['source', 'target'] %}
            (measured.{{ role }}_currency <> measured.base_currency and {{ role }}_rates.org_id is null){{ ' or' if role == 'source' }}
            {%- endfor %}
        ) as is_rate_missing
    from measured
    {%- for role in ['source', 'target'] %}
    {#- A pair's date is its source's. #}
    {{ _rate_join(
        role ~ '_rates', org='measured.org_id', pivot='measured.fx_pivot', from='measured.' ~ role ~ '_currency', into='measured.base_currency',
        date='coalesce(measured.source_business_date, measured.target_business_date)', max_age='measured.fx_max_age_days'
    ) }}
            and {{ is_match }}
    {%- endfor %}
),

-- outside of any condition, for within one an engine works out a part of the formula as often as it is written
rounded as {{ inline_cte() }} (
    select
        rated.*
        {%- for role in ['source', 'target'] %},
        {{ divide_half_even('rated.' ~ role ~ '_product', 'rated.' ~ role ~ '_denominator') }} as {{ role }}_rounded
        {%- endfor %}
    from rated
),

converted as {{ inline_cte() }} (
    select
        rounded.*
        {%- for role in ['source', 'target'] %},
        case
            when not ({{ is_match }}) or rounded.base_currency is null then null
            when rounded.{{ role }}_currency = rounded.base_currency then rounded.{{ role }}_amount_minor
            when abs(rounded.{{ role }}_rounded) < 4000000000000000000 then cast(rounded.{{ role }}_rounded as bigint)
        end as {{ role }}_base_minor
        {%- endfor %}
    from rounded
),
{%- endmacro %}

{#
    Left join of the rate that serves: that of the date, else the latest before it that is no older than `max_age` days. All but `alias` are expressions; further
    conditions may follow.
#}
{% macro _rate_join(alias, org, pivot, from, into, date, max_age) -%}
    left join {{ ref('fx_rates_in_force') }} as {{ alias }}
        on
            {{ org }} = {{ alias }}.org_id
            and {{ pivot }} = {{ alias }}.fx_pivot
            and {{ from }} = {{ alias }}.from_currency
            and {{ into }} = {{ alias }}.to_currency
            and {{ date }} between {{ alias }}.valid_from and {{ alias }}.valid_through
            and {{ date }} - {{ alias }}.rate_date <= {{ max_age }}
{%- endmacro %}

{# What a result keeps besides its verdict of how it came about: columns of every step, in their order. Null where the policy does not convert, and where nothing was compared. #}
{% macro _evidence_columns() -%}
    {{ return([
        'base_currency', 'source_base_minor', 'target_base_minor', 'source_rate', 'source_rate_date', 'source_rate_source', 'target_rate', 'target_rate_date',
        'target_rate_source', 'attribute_differences'
    ]) }}
{%- endmacro %}

{# Their SQL types. #}
{% macro _evidence_type(column) -%}
    {{ return({
        'source_base_minor': 'bigint', 'target_base_minor': 'bigint', 'source_rate_date': 'date', 'target_rate_date': 'date'
    }.get(column, type_text())) }}
{%- endmacro %}

{# The evidence columns as typed nulls, each with a comma behind it: of rows that compare nothing. #}
{% macro _no_evidence() -%}
    {%- for column in _evidence_columns() + ['base_difference_minor'] %}
        cast(null as {{ 'bigint' if column == 'base_difference_minor' else _evidence_type(column) }}) as {{ column }},
    {%- endfor %}
{%- endmacro %}
