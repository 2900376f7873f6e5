{# The record columns of one side of a row as `source_*` or `target_*`: from `relation`, or typed nulls where the side is absent. #}
{% macro _side_columns(ladder, role, relation=none) -%}
    {%- for column in _record_columns(ladder) %}
    {{ relation ~ '.' ~ column if relation else 'cast(null as ' ~ _record_column_type(column, ladder) ~ ')' }} as {{ role }}_{{ column }},
    {%- endfor %}
{%- endmacro %}

{# A row of one record: AMBIGUOUS with what makes it so, or LEFT. `ambiguity` is an expression, null for LEFT. #}
{% macro _single_row(ladder, role, relation, ambiguity) -%}
    select
        {{ relation }}.org_id,
        case when {{ ambiguity }} is null then 'LEFT' else 'AMBIGUOUS' end as outcome,
        '{{ role | upper }}' as side,
        {{- _side_columns(ladder, 'source', relation if role == 'source') }}
        {{- _side_columns(ladder, 'target', relation if role == 'target') }}
        {{ ambiguity }} as ambiguity,
        {{ relation }}.is_conflicting
{%- endmacro %}

{# Why a record with candidates is ambiguous, as sorted codes: conflicts name their systems. #}
{% macro _ambiguity_codes(ladder, role, is_conflicting, has_conflicting_candidate) -%}
    {%- set own = ladder[role].code -%}
    {%- set other = ladder['target' if role == 'source' else 'source'].code -%}
    {%- set conditions = [[own, is_conflicting], [other, has_conflicting_candidate]] | sort -%}
    coalesce(
        nullif(
            concat_ws(
                ','
                {%- for code, condition in conditions %},
                case when {{ condition }} then 'CONFLICT_{{ code }}' end
                {%- endfor %}
            ),
            ''
        ),
        'AMBIGUOUS_MATCH'
    )
{%- endmacro %}
