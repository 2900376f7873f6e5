{#
    What a run of mode hourly holds back. A ladder whose stream has an `hourly_window` judges then only blocks in which some record's policy says HOURLY and whose
    event lies within the window; the records of all others are left as they are, marked `is_held`, and wait for the next daily run. A block is judged whole or not at
    all, so that what an hourly run says of it is what the daily run says. Blocks with a conflict are refused at once, whosever they are: what is left is one record an
    id, and several contents of one version are not.

    Input: `<role>_arrived`; output: `<role>_records`, those to judge, and `<role>_held`.
#}
{% macro _held_back(ladder, match, previous) -%}
{%- if not previous %}
hourly_keys as (
    {%- for role in ['source', 'target'] %}
    select {{ _keys('records', match.on) }}
    from {{ role }}_arrived as records
    {{ _policy_joins('records', 'records.counterparty_id', "coalesce(records.business_date, date '0001-01-01')") }}
    where ({{ _policy_field('mode') }} = 'HOURLY' and {{ is_recent('records.event_at', ladder.hourly_window) }}) or records.is_conflicting
    {{- '\n    union' if not loop.last }}
    {%- endfor %}
),
{% endif %}
{%- for role in ['source', 'target'] %}
{%- for kind in ['records', 'held'] %}
{{ role }}_{{ kind }} as {{ kept_cte() }} (
    select records.*
    from {{ role }}_arrived as records
    {%- if previous %}
    where {{ 'not ' if kind == 'records' }}records.is_held
    {%- else %}
    where {{ 'not ' if kind == 'held' }}exists (
        select 1
        from hourly_keys
        where {{ _equal_keys('hourly_keys', 'records', match.on) }}
    )
    {%- endif %}
),
{% endfor %}
{%- endfor %}
{%- endmacro %}

{# CTE `matched_or_held`: what the rule made of the records to judge, and the records that are held back, which are left. #}
{% macro _with_held(ladder) -%}
matched_or_held as {{ inline_cte() }} (
    select
        matched.*,
        false as is_held
    from matched
    {%- for role in ['source', 'target'] %}
    union all
    {{ _single_row(ladder, role, 'records', text_literal(none)) }},
        true as is_held
    from {{ role }}_held as records
    {%- endfor %}
),
{%- endmacro %}

{# Whether this run holds records of a ladder back. #}
{% macro _holds_back(ladder) -%}
    {{ return(ladder.hourly_window is not none and run_mode() == 'hourly') }}
{%- endmacro %}
