{{ config(materialized='incremental', incremental_strategy='append', full_refresh=false, on_schema_change='append_new_columns') }}
{#- Every rule text that ever judged anything, under every policy that it judged by. Steps put their rule into their config; dbt's graph has them all. -#}
{%- set rules = [] -%}
{%- set judging = policy_fields(only='judging') -%}
{%- if execute -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.config.get('meta', {}).get('rule') -%}
        {%- do rules.append(node.config.meta) -%}
    {%- endfor -%}
{%- endif -%}
{%- for name in _ladder_names() -%}
    {%- set declared = _ladder(name) -%}
    {%- do _fail('rules', _ladder_faults(declared)) -%}
    {%- for step in ['duplicates', 'pinned'] -%}
        {%- do rules.append({'stream': declared.stream, 'ladder': name, 'step': step, 'rule': _rule_text(declared, step)}) -%}
    {%- endfor -%}
{%- endfor %}
with policies as (
    select distinct
        stream,
        {%- for field in judging %}
        {{ field }},
        {%- endfor %}
        policy_hash
    from {{ ref('policies') }}
),

-- no threshold judges a surplus copy
no_policy as (
    select
        {%- for field in judging %}
        {%- set types = {'price_pct': type_decimal(18, 9), 'price_basis': type_text(), 'base_currency': type_text(), 'fx_pivot': type_text()} %}
        cast(null as {{ types.get(field, 'bigint') }}) as {{ field }}{{ ',' if not loop.last }}
        {%- endfor %}
),

stated as (
    {%- for rule in rules %}
    select
        {%- if rule.step in ['duplicates', 'findings', 'pinned'] %}
        substr(md5('{{ local_md5(rule.rule) }}'), 1, 12) as rule_version,
        {%- else %}
        substr(md5('{{ local_md5(rule.rule) }}' || policies.policy_hash), 1, 12) as rule_version,
        {%- endif %}
        '{{ rule.stream }}' as stream,
        '{{ rule.ladder }}' as ladder,
        '{{ rule.step }}' as step,
        {{ text_literal(rule.rule) }} as rule_text,
        {%- for field in judging %}
        policies.{{ field }}{{ ',' if not loop.last }}
        {%- endfor %}
    {%- if rule.step not in ['duplicates', 'findings', 'pinned'] %}
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
        {%- for field in judging if field not in policy_fields(only='shown') %}
        stated.{{ field }},
        {%- endfor %}
        {%- for field in policy_fields(only='shown') %}
        stated.{{ field }},
        {%- endfor %}
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
