{#
    Query of the source records that a step of a ladder left, in the record columns (`org_id, activity_id, ...`): the input of what comes after it.

    ladder: name of a ladder in the registry; after: one of its steps.
#}
{% macro unmatched_source(ladder, after) -%}
    {{ return(_unmatched(ladder=ladder, after=after, role='source')) }}
{%- endmacro %}

{% macro _unmatched(ladder, after, role) -%}
    {%- set declared = _ladder(ladder) -%}
    {%- set faults = [] -%}
    {%- if declared is none -%}
        {%- do faults.append("ladder: '" ~ ladder ~ "' is not in vars.streams; there are " ~ (_ladder_names() | join(', '))) -%}
    {%- elif after not in declared.steps -%}
        {%- do faults.append("after: '" ~ after ~ "' is no step of ladder '" ~ ladder ~ "'; its steps are " ~ (declared.steps | join(', '))) -%}
    {%- endif -%}
    {%- do _fail('unmatched_' ~ role ~ ' in ' ~ _model_name(), faults) -%}
    select
        step_rows.org_id
        {%- for column in _record_columns(declared) %},
        step_rows.{{ role }}_{{ column }} as {{ column }}
        {%- endfor %}
        {%- if declared.hourly_window is not none %},
        step_rows.is_held,
        step_rows.price_abs_minor,
        step_rows.price_pct,
        step_rows.skew_seconds,
        step_rows.grace_minutes,
        step_rows.rule_version,
        step_rows.row_hash
        {%- endif %}
    from {{ ref(ladder ~ '__' ~ after) }} as step_rows
    where step_rows.outcome = 'LEFT' and step_rows.side = '{{ role | upper }}'
{%- endmacro %}
