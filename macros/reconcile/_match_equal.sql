{#
    CTE `matched` for a rule without a window: records with equal keys are candidates. A block of one record a side is a pair; nearly all are, so they go through
    one full join. Blocks with more, or with a conflict, are few and refused as a whole: every record of them that has a candidate is ambiguous.
#}
{% macro _match_equal(ladder, match) -%}
    {%- set on = match.on -%}
    {# An id is unique among a side's live records, so only a conflict can crowd its block: no count is needed. #}
    {%- set exclusive = 'activity_id' in on %}
crowded_keys as (
    {%- for role in ['source', 'target'] %}
    select {{ _keys('records', on) }}
    from {{ role }}_records as records
    where {{ 'records.is_conflicting' if exclusive else _keys_known('records', on) }}
    {%- if not exclusive %}
    group by {{ _keys('records', on) }}
    having count(*) > 1 or max(case when records.is_conflicting then 1 else 0 end) = 1
    {%- endif %}
    {{- '\n    union' if not loop.last }}
    {%- endfor %}
),

crowded_blocks as (
    select
        {{ _keys('members', on) }},
        max(members.in_source) as in_source,
        max(members.in_target) as in_target,
        max(members.conflict_in_source) as conflict_in_source,
        max(members.conflict_in_target) as conflict_in_target
    from (
        {%- for role in ['source', 'target'] %}
        select
            {{ _keys('records', on) }},
            {{ 1 if role == 'source' else 0 }} as in_source,
            {{ 1 if role == 'target' else 0 }} as in_target,
            {{ 'case when records.is_conflicting then 1 else 0 end' if role == 'source' else '0' }} as conflict_in_source,
            {{ 'case when records.is_conflicting then 1 else 0 end' if role == 'target' else '0' }} as conflict_in_target
        from {{ role }}_records as records
        inner join crowded_keys
            on {{ _equal_keys('records', 'crowded_keys', on) }}
        {{- '\n        union all' if not loop.last }}
        {%- endfor %}
    ) as members
    group by {{ _keys('members', on) }}
),
{% for role in ['source', 'target'] %}
uncrowded_{{ role }} as {{ inline_cte() }} (
    select records.*
    from {{ role }}_records as records
    where
        not records.is_conflicting
        and not exists (
            select 1
            from crowded_keys
            where {{ _equal_keys('crowded_keys', 'records', on) }}
        )
),
{% endfor %}
matched as {{ inline_cte() }} (
    select
        coalesce(one.org_id, other.org_id) as org_id,
        case when one.org_id is not null and other.org_id is not null then 'PAIR' else 'LEFT' end as outcome,
        case when other.org_id is null then 'SOURCE' when one.org_id is null then 'TARGET' end as side,
        {{- _side_columns(ladder, 'source', 'one') }}
        {{- _side_columns(ladder, 'target', 'other') }}
        {{ text_literal(none) }} as ambiguity,
        false as is_conflicting
    from uncrowded_source as one
    full outer join uncrowded_target as other
        on {{ _equal_keys('one', 'other', on) }}
    {%- for role in ['source', 'target'] %}
    {%- set opposite = 'target' if role == 'source' else 'source' %}
    {%- set ambiguity -%}
        case
            when records.is_conflicting or crowded_blocks.in_{{ opposite }} = 1
                then {{ _ambiguity_codes(ladder, role, 'records.is_conflicting', 'crowded_blocks.conflict_in_' ~ opposite ~ ' = 1') }}
        end
    {%- endset %}
    union all
    {{ _single_row(ladder, role, 'records', ambiguity) }}
    from {{ role }}_records as records
    inner join crowded_blocks
        on {{ _equal_keys('records', 'crowded_blocks', on) }}
    {%- if on != ['activity_id'] %}
    union all
    -- a conflict that lacks a key is in no block, and no later step may take it either
    {{ _single_row(ladder, role, 'records', _ambiguity_codes(ladder, role, 'records.is_conflicting', 'false')) }}
    from {{ role }}_records as records
    where records.is_conflicting and not ({{ _keys_known('records', on) }})
    {%- endif %}
    {%- endfor %}
)
{%- endmacro %}
