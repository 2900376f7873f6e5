{#
    CTE `matched` for a rule of groups: the records of a block of equal keys are one group where the side `one` has exactly one of them, the other at least one, and
    none is in conflict. Blocks with more on the side `one`, or with a conflict, are refused as a whole. What has no record on the other side is left. Where the rule
    wants pairs, a block of one against one is a pair.
#}
{% macro _match_group(ladder, match) -%}
    {%- set on = match.on -%}
    {%- set many = match.many -%}
    {%- set one = 'target' if many == 'source' else 'source' -%}
    {%- set is_group = 'blocks.is_group and not blocks.is_pair' if match.pairs else 'blocks.is_group' %}
{%- if match.once_per %}
{%- set fact, place = match.once_per[0], match.once_per[1] %}
-- what is told of one fact in several places alike is counted once
told as (
    select
        {{ _keys('records', on) }},
        coalesce(records.{{ fact }}, 'in ' || records.{{ place }}) as fact,
        sum(records.{{ match.sum_of }}) as amount
    from {{ many }}_records as records
    where {{ _keys_known('records', on) }}
    group by {{ _keys('records', on) }}, coalesce(records.{{ fact }}, 'in ' || records.{{ place }}), records.{{ place }}
),

counted_once as (
    select
        {{ _keys('facts', on) }},
        sum(facts.amount) as total
    from (select distinct * from told) as facts
    group by {{ _keys('facts', on) }}
),
{% endif %}
{%- for role in ['source', 'target'] %}
{{ role }}_blocks as (
    select
        {{ _keys('records', on) }},
        count(*) as members,
        sum(records.{{ match.sum_of if role == many else 'amount_minor' }}) as total,
        max(case when records.is_conflicting then 1 else 0 end) as conflict
    from {{ role }}_records as records
    where {{ _keys_known('records', on) }}
    group by {{ _keys('records', on) }}
),
{% endfor %}
blocks as (
    select
        {{ _keys('source_blocks', on) }},
        {{ many }}_blocks.members as member_count,
        {{ 'counted_once' if match.once_per else many ~ '_blocks' }}.total,
        source_blocks.conflict as conflict_in_source,
        target_blocks.conflict as conflict_in_target,
        {{ one }}_blocks.members = 1 and source_blocks.conflict = 0 and target_blocks.conflict = 0 as is_group
        {%- if match.pairs %},
        source_blocks.members = 1 and target_blocks.members = 1 and source_blocks.conflict = 0 and target_blocks.conflict = 0 as is_pair
        {%- endif %}
    from source_blocks
    inner join target_blocks
        on {{ _equal_keys('source_blocks', 'target_blocks', on) }}
    {%- if match.once_per %}
    inner join counted_once
        on {{ _equal_keys('source_blocks', 'counted_once', on) }}
    {%- endif %}
),

matched as (
    select
        one.org_id,
        'GROUP' as outcome,
        '{{ one | upper }}' as side,
        {%- for role in ['source', 'target'] %}
        {%- for column in _record_columns(ladder) %}
        {%- if role == one %}
        one.{{ column }} as {{ role }}_{{ column }},
        {%- elif column == 'amount_minor' %}
        -- a sum that is no amount is unknown, and an unknown amount fails its check
        case when abs(blocks.total) < 4000000000000000000 then cast(blocks.total as bigint) end as {{ role }}_amount_minor,
        {%- elif column == 'currency' %}
        one.currency as {{ role }}_currency,
        {%- else %}
        cast(null as {{ _record_column_type(column, ladder) }}) as {{ role }}_{{ column }},
        {%- endif %}
        {%- endfor %}
        {%- endfor %}
        {{ text_literal(none) }} as ambiguity,
        false as is_conflicting,
        cast(blocks.member_count as integer) as member_count,
        {{ text_literal(none) }} as group_batch_id,
        cast(null as bigint) as group_row_number
    from {{ one }}_records as one
    inner join blocks
        on {{ _equal_keys('one', 'blocks', on) }} and {{ is_group }}
    union all
    {%- if match.pairs %}
    select
        paired.org_id,
        'PAIR' as outcome,
        {{ text_literal(none) }} as side,
        {{- _side_columns(ladder, 'source', 'paired') }}
        {{- _side_columns(ladder, 'target', 'partner') }}
        {{ text_literal(none) }} as ambiguity,
        false as is_conflicting,
        cast(null as integer) as member_count,
        {{ text_literal(none) }} as group_batch_id,
        cast(null as bigint) as group_row_number
    from source_records as paired
    inner join blocks
        on {{ _equal_keys('paired', 'blocks', on) }} and blocks.is_pair
    inner join target_records as partner
        on {{ _equal_keys('paired', 'partner', on) }}
    union all
    {%- endif %}
    select
        members.org_id,
        'MEMBER' as outcome,
        '{{ many | upper }}' as side,
        {{- _side_columns(ladder, 'source', 'members' if many == 'source') }}
        {{- _side_columns(ladder, 'target', 'members' if many == 'target') }}
        {{ text_literal(none) }} as ambiguity,
        false as is_conflicting,
        cast(null as integer) as member_count,
        one.batch_id as group_batch_id,
        one.row_number as group_row_number
    from {{ many }}_records as members
    inner join blocks
        on {{ _equal_keys('members', 'blocks', on) }} and {{ is_group }}
    inner join {{ one }}_records as one
        on {{ _equal_keys('members', 'one', on) }}
    {%- for role in ['source', 'target'] %}
    {%- set opposite = 'target' if role == 'source' else 'source' %}
    {%- set ambiguity -%}
        case
            when records.is_conflicting or blocks.is_group is not null
                then {{ _ambiguity_codes(ladder, role, 'records.is_conflicting', 'blocks.conflict_in_' ~ opposite ~ ' = 1') }}
        end
    {%- endset %}
    union all
    {{ _single_row(ladder, role, 'records', ambiguity) }},
        cast(null as integer) as member_count,
        {{ text_literal(none) }} as group_batch_id,
        cast(null as bigint) as group_row_number
    from {{ role }}_records as records
    left join blocks
        on {{ _equal_keys('records', 'blocks', on) }}
    where not coalesce(blocks.is_group, false)
    {%- endfor %}
)
{%- endmacro %}
