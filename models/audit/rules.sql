{{ config(materialized='incremental', incremental_strategy='append', full_refresh=false) }}
{#- Every rule text that ever judged anything, under every policy that it judged by. Steps put their rule into their config; dbt's graph has them all. -#}
{%- set rules = [] -%}
{%- if execute -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.config.get('meta', {}).get('rule') -%}
        {%- do rules.append(node.config.meta) -%}
    {%- endfor -%}
{%- endif -%}
{%- for name in _ladder_names() -%}
    {%- set declared = _ladder(name) -%}
    {%- do _fail('rules', _ladder_faults(declared)) -%}
    {%- do rules.append({'stream': declared.stream, 'ladder': name, 'step': 'duplicates', 'rule': _rule_text(declared, 'duplicates')}) -%}
{%- endfor %}
with policies as (
    select distinct
        stream,
        price_abs_minor,
        price_pct,
        skew_seconds,
        grace_minutes,
        policy_hash
    from {{ ref('policies') }}
),

-- no threshold judges a surplus copy
no_policy as (
    select
        cast(null as bigint) as price_abs_minor,
        cast(null as {{ type_decimal(18, 9) }}) as price_pct,
        cast(null as bigint) as skew_seconds,
        cast(null as bigint) as grace_minutes
),

stated as (
    {%- for rule in rules %}
    select
        {%- if rule.step in ['duplicates', 'findings'] %}
        substr(md5('{{ local_md5(rule.rule) }}'), 1, 12) as rule_version,
        {%- else %}
        substr(md5('{{ local_md5(rule.rule) }}' || policies.policy_hash), 1, 12) as rule_version,
        {%- endif %}
        '{{ rule.stream }}' as stream,
        '{{ rule.ladder }}' as ladder,
        '{{ rule.step }}' as step,
        {{ text_literal(rule.rule) }} as rule_text,
        policies.price_abs_minor,
        policies.price_pct,
        policies.skew_seconds,
        policies.grace_minutes
    {%- if rule.step not in ['duplicates', 'findings'] %}
    from policies
    where policies.stream = '{{ rule.stream }}'
    {%- else %}
    from no_policy as policies
    {%- endif %}
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

rules as (
    select
        cast(stated.rule_version as {{ type_text() }}) as rule_version,
        cast(stated.stream as {{ type_text() }}) as stream,
        cast(stated.ladder as {{ type_text() }}) as ladder,
        cast(stated.step as {{ type_text() }}) as step,
        cast(stated.rule_text as {{ type_text() }}) as rule_text,
        stated.price_abs_minor,
        stated.price_pct,
        stated.skew_seconds,
        stated.grace_minutes,
        {{ as_of() }} as first_used_at,
        {{ run_id() }} as first_run_id
    from stated
    {%- if is_incremental() %}
    where not exists (
        select 1
        from {{ this }} as known
        where known.rule_version = stated.rule_version
    )
    {%- endif %}
)

select *
from rules
