{# CTE `matched` for the rule of reversals: the two records of a block that net out, each naming the other; all others are left. #}
{% macro _match_reversals(ladder, match) -%}
    {%- set on = match.on -%}
    {%- set role = match.nets -%}
    {%- set told, values = (match.between.items() | list)[0] %}
-- the records that the rule speaks of; a sum of several on one end would net nothing out
{%- for value in values %}
ends_{{ loop.index }} as (
    select
        {{ _keys('records', on) }},
        count(*) as members,
        sum(records.{{ match.sum_of }}) as total,
        min(records.batch_id) as batch_id,
        min(records.row_number) as row_number
    from {{ role }}_records as records
    where
        {{ _keys_known('records', on) }}
        and not records.is_conflicting
        and records.{{ told }} = {{ text_literal(value) }}
        {%- for column in match.without %}
        and records.{{ column }} is null
        {%- endfor %}
    group by {{ _keys('records', on) }}
),
{% endfor %}
reversals as (
    select
        ends_1.batch_id as first_batch_id,
        ends_1.row_number as first_row_number,
        ends_2.batch_id as second_batch_id,
        ends_2.row_number as second_row_number
    from ends_1
    inner join ends_2
        on {{ _equal_keys('ends_1', 'ends_2', on) }}
    where ends_1.members = 1 and ends_2.members = 1 and ends_1.total + ends_2.total = 0 and ends_1.total <> 0
),

partners as (
    select first_batch_id as batch_id, first_row_number as row_number, second_batch_id as partner_batch_id, second_row_number as partner_row_number
    from reversals
    union all
    select second_batch_id, second_row_number, first_batch_id, first_row_number
    from reversals
),

matched as (
    select
        netted.org_id,
        'NETTED' as outcome,
        '{{ role | upper }}' as side,
        {{- _side_columns(ladder, 'source', 'netted' if role == 'source') }}
        {{- _side_columns(ladder, 'target', 'netted' if role == 'target') }}
        {{ text_literal(none) }} as ambiguity,
        false as is_conflicting,
        partners.partner_batch_id as group_batch_id,
        partners.partner_row_number as group_row_number
    from {{ role }}_records as netted
    inner join partners
        on netted.batch_id = partners.batch_id and netted.row_number = partners.row_number
    {%- for each in ['source', 'target'] %}
    {%- set ambiguity = 'case when records.is_conflicting then ' ~ _ambiguity_codes(ladder, each, 'records.is_conflicting', 'false') ~ ' end' %}
    union all
    {{ _single_row(ladder, each, 'records', ambiguity) }},
        {{ text_literal(none) }} as group_batch_id,
        cast(null as bigint) as group_row_number
    from {{ each }}_records as records
    {%- if each == role %}
    left join partners
        on records.batch_id = partners.batch_id and records.row_number = partners.row_number
    where partners.batch_id is null
    {%- endif %}
    {%- endfor %}
)
{%- endmacro %}
