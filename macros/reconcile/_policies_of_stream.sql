{#
    The policies of a ladder's stream, each with its last business date and the version of the given rule under it: a query of a few rows.
#}
{% macro _policies_of_stream(ladder, rule_text) -%}
    select
        policies.org_id,
        policies.counterparty_id,
        policies.valid_from,
        coalesce(policies.valid_to - 1, date '9999-12-31') as valid_through,
        {%- for field in policy_fields(only='shown') %}
        policies.{{ field }},
        {%- endfor %}
        policies.price_basis,
        policies.base_currency,
        policies.fx_max_age_days,
        policies.fx_pivot,
        policies.mode,
        substr(md5('{{ local_md5(rule_text) }}' || policies.policy_hash), 1, 12) as rule_version
    from {{ ref('policies') }} as policies
    where policies.stream = '{{ ladder.stream }}'
{%- endmacro %}

{# Joins `records` with the policy that governs each: its counterparty's, else its org's, of its business date. #}
{% macro _policy_joins(records, counterparty, business_date) -%}
    left join policies_of_stream as of_counterparty
        on
            {{ records }}.org_id = of_counterparty.org_id
            and {{ counterparty }} = of_counterparty.counterparty_id
            and {{ business_date }} >= of_counterparty.valid_from
            and {{ business_date }} <= of_counterparty.valid_through
    left join policies_of_stream as of_org
        on
            {{ records }}.org_id = of_org.org_id
            and of_org.counterparty_id is null
            and {{ business_date }} >= of_org.valid_from
            and {{ business_date }} <= of_org.valid_through
{%- endmacro %}

{#
    The same for records of several streams, which name theirs in `stream`, their counterparty in `counterparty` and their day in `business_date`.
#}
{% macro _policy_joins_of_streams(records, counterparty='counterparty_id', business_date='business_date') -%}
    {%- set date = 'coalesce(' ~ records ~ '.' ~ business_date ~ ", date '0001-01-01')" -%}
    {%- for scope in ['of_counterparty', 'of_org'] %}
    left join {{ ref('policies') }} as {{ scope }}
        on
            {{ records }}.org_id = {{ scope }}.org_id
            and {{ records }}.stream = {{ scope }}.stream
            and {{ records ~ '.' ~ counterparty ~ ' = of_counterparty.counterparty_id' if scope == 'of_counterparty' else 'of_org.counterparty_id is null' }}
            and {{ date }} >= {{ scope }}.valid_from
            and ({{ date }} < {{ scope }}.valid_to or {{ scope }}.valid_to is null)
    {%- endfor %}
{%- endmacro %}

{# A field of the governing policy. A counterparty's policy has every field resolved. #}
{% macro _policy_field(name) -%}
    {{ return('coalesce(of_counterparty.' ~ name ~ ', of_org.' ~ name ~ ')') }}
{%- endmacro %}
