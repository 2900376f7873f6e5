{#
    One side's records that a step works on: for the first step the live and conflicting records of the canonical model, for a later one what the step before
    it left; with `only_touched` those of touched blocks, found before anything else is asked of them.
#}
{% macro _step_input(ladder, role, previous, match, only_touched) -%}
    {%- set side = ladder[role] -%}
    {%- set inputs = [] -%}
    {%- if previous -%}
        {%- do inputs.append({'records': '(' ~ (unmatched_source if role == 'source' else unmatched_target)(ladder.name, previous) ~ ')', 'kind': 'left'}) -%}
    {%- else -%}
        {%- do inputs.append({'records': ref(side.records), 'kind': 'live'}) -%}
        {%- do inputs.append({'records': ref(side.settled), 'kind': 'conflicting'}) -%}
    {%- endif -%}
    {%- for input in inputs %}
    select
        records.org_id,
        {%- for column in _record_columns(ladder) %}
        records.{{ column }},
        {%- endfor %}
        {{ 'true' if input.kind == 'conflicting' else 'false' }} as is_conflicting
        {%- if ladder.hourly_window is not none and previous %},
        records.is_held
        {%- endif %}
    from {{ _touched_records(input.records, role, match) if only_touched else input.records }} as records
    {%- if input.kind == 'conflicting' %}
    where records.disposition = 'CONFLICTING'{{ of_orgs(ladder.stream, 'records.org_id') }}
    {%- elif input.kind == 'live' %}
    where not exists (
        select 1
        from {{ ref(side.settled) }} as settled
        where settled.batch_id = records.batch_id and settled.row_number = records.row_number
    ){{ of_orgs(ladder.stream, 'records.org_id') }}
    -- what people have matched or taken out themselves
    and not exists (
        select 1
        from {{ ref('pins') }} as pins
        where
            pins.is_in_force
            and pins.ladder = '{{ ladder.name }}'
            and pins.{{ role }}_batch_id = records.batch_id
            and pins.{{ role }}_row_number = records.row_number
    )
    {%- endif %}
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# The records of touched blocks. One with a null among its keys is a block of its own, known by its id. #}
{% macro _touched_records(records, role, match) -%}
    (
        select each.*
        from {{ records }} as each
        inner join {{ _scratch('touched_keys') }} as touched_keys
            on {{ _equal_keys('each', 'touched_keys', match.on) }}
        {%- if match.on != ['activity_id'] %}
        union
        select each.*
        from {{ records }} as each
        inner join {{ _scratch('touched_' ~ role) }} as touched
            on each.org_id = touched.org_id and each.activity_id = touched.activity_id
        {%- endif %}
    )
{%- endmacro %}
