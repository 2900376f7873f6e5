{#
    One side's records that a step works on: for the first step the live and conflicting records of the canonical model, for a later one what the step before
    it left; with `only_touched` those of touched blocks.
#}
{% macro _step_input(ladder, role, previous, match, only_touched) -%}
    {%- set side = ladder[role] -%}
    {%- set sources = [] -%}
    {%- if previous -%}
        {%- do sources.append({'records': '(' ~ (unmatched_source if role == 'source' else unmatched_target)(ladder.name, previous) ~ ')', 'conflicting': 'false'}) -%}
    {%- else -%}
        {%- do sources.append({'records': ref(side.records), 'conflicting': 'false'}) -%}
        {%- do sources.append({'records': ref(side.records ~ '__dispositions'), 'conflicting': 'true'}) -%}
    {%- endif -%}
    {%- for input in sources %}
    select
        records.org_id,
        {%- for column in _record_columns(ladder) %}
        records.{{ column }},
        {%- endfor %}
        {{ input.conflicting }} as is_conflicting
    from {{ input.records }} as records
    where
        {%- if previous %}
        true
        {%- elif input.conflicting == 'true' %}
        records.disposition = 'CONFLICTING'
        {%- else %}
        not exists (
            select 1
            from {{ ref(side.records ~ '__dispositions') }} as settled
            where settled.batch_id = records.batch_id and settled.row_number = records.row_number
        )
        {%- endif %}
        {%- if only_touched %}
        and {{ _is_touched('records', role, match) }}
        {%- endif %}
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# Whether a record is in a touched block. One with a null among its keys is a block of its own, known by its id. #}
{% macro _is_touched(relation, role, match) -%}
    (
        exists (
            select 1
            from {{ _scratch('touched_keys') }} as touched_keys
            where {{ _equal_keys('touched_keys', relation, match.on) }}
        )
        {%- if match.on != ['activity_id'] %}
        or exists (
            select 1
            from {{ _scratch('touched_' ~ role) }} as touched
            where touched.org_id = {{ relation }}.org_id and touched.activity_id = {{ relation }}.activity_id
        )
        {%- endif %}
    )
{%- endmacro %}
