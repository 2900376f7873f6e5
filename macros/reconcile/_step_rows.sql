{#
    The final select of a step: its columns in order, and in an incremental run the keys of the old rows of touched blocks, marked to be withdrawn. A pair keeps of its
    target neither the keys, which are the source's, nor what nothing reads again.
#}
{% macro _step_rows(ladder, match) -%}
    {%- set plain = [
        'anomalies', 'is_conflicting', 'price_abs_minor', 'price_pct', 'skew_seconds', 'grace_minutes', 'rule_version', 'is_late', 'late_by_seconds',
        'rejected_batch_id', 'rejected_row_number', 'row_hash', 'judged_run_id'
    ] + _evidence_columns() + (['is_held'] if ladder.hourly_window is not none else []) -%}
    {%- set of_group = ['member_count', 'group_batch_id', 'group_row_number'] if match.many else ['group_batch_id', 'group_row_number'] if match.get('nets') else [] -%}
    {%- set dropped = ['source_version', 'target_version', 'target_counterparty_id', 'target_business_date'] -%}
    {%- for column in match.on -%}{%- do dropped.append('target_' ~ column) -%}{%- endfor -%}
    select
        judged.org_id,
        cast(judged.outcome as {{ type_text() }}) as outcome,
        cast(judged.side as {{ type_text() }}) as side,
        {%- for role in ['source', 'target'] %}
        {%- for column in _record_columns(ladder) %}
        {%- set name = role ~ '_' ~ column %}
        {{ "case when judged.outcome <> 'PAIR' then judged." ~ name ~ ' end as ' ~ name if name in dropped else 'judged.' ~ name }},
        {%- endfor %}
        {%- endfor %}
        cast(judged.anomalies as {{ type_text() }}) as anomalies,
        judged.is_conflicting,
        judged.price_abs_minor,
        judged.price_pct,
        judged.skew_seconds,
        judged.grace_minutes,
        judged.rule_version,
        coalesce(judged.late_by_microseconds > 0, false) as is_late,
        case when judged.late_by_microseconds > 0 then {{ integer_divide('judged.late_by_microseconds', 1000000) }} end as late_by_seconds,
        case
            when judged.source_is_stale then judged.source_rejected_batch_id
            when judged.target_is_stale then judged.target_rejected_batch_id
        end as rejected_batch_id,
        case
            when judged.source_is_stale then judged.source_rejected_row_number
            when judged.target_is_stale then judged.target_rejected_row_number
        end as rejected_row_number,
        judged.row_hash,
        {{ judged_in_run() }} as judged_run_id
        {%- for column in _evidence_columns() %},
        cast(judged.{{ column }} as {{ _evidence_type(column) }}) as {{ column }}
        {%- endfor %}
        {%- if ladder.hourly_window is not none %},
        {{ 'judged.is_held' if _holds_back(ladder) else 'false as is_held' }}
        {%- endif %}
        {%- for column in of_group %},
        judged.{{ column }}
        {%- endfor %}
        {%- if is_incremental() %},
        false as _retracted
        {%- endif %}
    from judged
    {%- if is_incremental() %}
    union all
    {#- Of what is withdrawn only the key is read; its other columns, which are many, need not be written. #}
    {%- set key = ['source_batch_id', 'source_row_number', 'target_batch_id', 'target_row_number'] %}
    select
        withdrawn.org_id,
        null as outcome,
        null as side,
        {%- for role in ['source', 'target'] %}
        {%- for column in _record_columns(ladder) %}
        {%- set name = role ~ '_' ~ column %}
        {{ ('withdrawn.' if name in key else 'null as ') ~ name }},
        {%- endfor %}
        {%- endfor %}
        {%- for column in plain + of_group %}
        null as {{ column }},
        {%- endfor %}
        true as _retracted
    from (
        {#- Joins, and not `exists`: the keys are worked out of two columns, for which an engine would first list all their values. -#}
        {%- for part in ['keys'] + (['source', 'target'] if match.on != ['activity_id'] else []) %}
        select
            held.org_id,
            {%- for column in key %}
            held.{{ column }}{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ this }} as held
        inner join {{ _scratch('touched_' ~ part) }} as touched
            on
                touched.org_id = held.org_id
                {%- if part == 'keys' %}
                {%- for column in match.on %}
                and touched.{{ column }} = coalesce(held.source_{{ column }}, held.target_{{ column }})
                {%- endfor %}
                {%- else %}
                and touched.activity_id = {{ _held_column('held', part, 'activity_id', match.on) }}
                {%- endif %}
        {{- '\n        union' if not loop.last }}
        {%- endfor %}
    ) as withdrawn
    {%- endif %}
{%- endmacro %}
