{#
    Query of what a bounded search for subsets finds among a ladder's left-over records: one row a record of the side `one` of which a few records of the other
    side make up the amount exactly, or that could not be searched for. It only suggests: no record is matched by it, and none leaves its verdict.

    ladder: name of a ladder in the registry, with `subset: {enabled: true, many: source, on: [currency], max_pool: 20, max_size: 3, lambda_max: 0.02}`.

    `outcome`
      SUGGESTED        one subset only, and luck is no likely explanation
      SAME_AMOUNTS     several subsets of the same amounts: the money agrees, which records it is nobody can say
      NOT_UNIQUE       several subsets, or one that shares a record with another record's
      LIKELY_CHANCE    more subsets of the sum are expected by luck than `lambda_max`
      POOL_TOO_LARGE   more than `max_pool` records to choose from: nothing was searched

    Expected by luck (lambda): sum over sizes k of C(n, k) / (sigma * sqrt(2 pi k)), sigma the standard deviation of the pool's amounts in minor units. It takes the amounts
    for spread out, which price points are not: uniqueness is therefore tested by itself. There is no tolerance: with one, luck explains nearly everything.
#}
{% macro subset_suggestions(ladder) -%}
    {%- set declared = _ladder(ladder) -%}
    {%- set rule = declared.subset -%}
    {%- set many, one = rule.many, 'target' if rule.many == 'source' else 'source' -%}
    {%- set on = rule.on -%}
    {%- set by_system = 'system' in _record_columns(declared) -%}
    {%- set sizes = range(2, rule.max_size + 1) | list -%}
with
{%- for name, role in [['pool', many], ['wanted', one]] %}
{{ name }} as (
    select
        {{ _keys('records', on) }},
        {{ 'records.system' if by_system else text_literal(declared[role].system) }} as system,
        records.activity_id,
        records.amount_minor,
        records.batch_id,
        records.row_number,
        row_number() over (partition by {{ _keys('records', on) }} order by {{ by_bytes('records.activity_id') }}, records.batch_id, records.row_number) as number
    from {{ ref(ladder ~ '__unmatched') }} as records
    where
        records.side = '{{ role | upper }}'
        and records.anomalies <> ''
        and records.amount_minor <> 0
        and {{ _keys_known('records', on) }}
),
{% endfor %}
pools as (
    select
        {{ _keys('pool', on) }},
        count(*) as pool_size,
        stddev_pop(pool.amount_minor) as spread
    from pool
    group by {{ _keys('pool', on) }}
),

judged_pools as (
    select
        pools.*,
        {%- for size in sizes %}
        {{ '+ ' if not loop.first }}cast({% for step in range(size) %}(pool_size - {{ step }}){{ ' * ' if not loop.last }}{% endfor %} as double precision)
        / {{ [2, 6, 24][size - 2] }} / (nullif(spread, 0) * sqrt(2 * pi() * {{ size }}))
        {%- endfor %} as expected_by_chance
    from pools
),
{% for size in sizes %}
subsets_of_{{ size }} as (
    select
        wanted.org_id,
        wanted.batch_id as wanted_batch_id,
        wanted.row_number as wanted_row_number,
        {%- for part in range(1, size + 1) %}
        part_{{ part }}.activity_id{{ " || ', ' || " if not loop.last }}
        {%- endfor %} as member_ids,
        {%- for part in range(1, size + 1) %}
        part_{{ part }}.number as number_{{ part }},
        part_{{ part }}.amount_minor as amount_{{ part }},
        {%- endfor %}
        {{ size }} as member_count
    from wanted
    inner join pools
        on {{ _equal_keys('wanted', 'pools', on) }} and pools.pool_size <= {{ rule.max_pool }}
    {%- for part in range(1, size + 1) %}
    inner join pool as part_{{ part }}
        on
            {{ _equal_keys('wanted', 'part_' ~ part, on) }}
            {%- if part > 1 %}
            and part_{{ part - 1 }}.number < part_{{ part }}.number
            {%- endif %}
            {%- if part == size %}
            and part_{{ part }}.amount_minor = wanted.amount_minor{% for before in range(1, part) %} - part_{{ before }}.amount_minor{% endfor %}
            {%- endif %}
    {%- endfor %}
),
{% endfor %}
subsets as (
    {%- for size in sizes %}
    select
        org_id,
        wanted_batch_id,
        wanted_row_number,
        member_ids,
        member_count
    from subsets_of_{{ size }}
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

-- one row a member of a subset
members as (
    {%- for size in sizes %}
    {%- set outer = loop %}
    {%- for part in range(1, size + 1) %}
    select
        found.wanted_batch_id,
        found.wanted_row_number,
        found.member_ids,
        pool.batch_id,
        pool.row_number,
        pool.amount_minor
    from subsets_of_{{ size }} as found
    inner join wanted
        on found.wanted_batch_id = wanted.batch_id and found.wanted_row_number = wanted.row_number
    inner join pool
        on {{ _equal_keys('wanted', 'pool', on) }} and found.number_{{ part }} = pool.number
    {{- '\n    union all' if not (loop.last and outer.last) }}
    {%- endfor %}
    {%- endfor %}
),

-- the amounts of a subset as one text, largest first: two subsets with the same one are of the same value
amounts as (
    select
        wanted_batch_id,
        wanted_row_number,
        member_ids,
        string_agg(cast(amount_minor as {{ type_text() }}), ' ' order by amount_minor desc) as amounts
    from members
    group by wanted_batch_id, wanted_row_number, member_ids
),

shared as (
    select
        batch_id,
        row_number
    from (select distinct batch_id, row_number, wanted_batch_id, wanted_row_number from members) as uses
    group by batch_id, row_number
    having count(*) > 1
),

counted as (
    select
        amounts.wanted_batch_id,
        amounts.wanted_row_number,
        count(*) as subset_count,
        count(distinct amounts.amounts) as value_count,
        min({{ by_bytes('amounts.member_ids') }}) as member_ids
    from amounts
    group by amounts.wanted_batch_id, amounts.wanted_row_number
),

judged as (
    select
        wanted.*,
        pools.pool_size,
        judged_pools.expected_by_chance,
        case when pools.pool_size <= {{ rule.max_pool }} then counted.member_ids end as member_ids,
        coalesce(counted.subset_count, 0) as subset_count,
        case
            when pools.pool_size > {{ rule.max_pool }} then 'POOL_TOO_LARGE'
            when counted.subset_count > 1 and counted.value_count = 1 then 'SAME_AMOUNTS'
            when counted.subset_count > 1 or exists (
                select 1
                from members
                inner join shared
                    on members.batch_id = shared.batch_id and members.row_number = shared.row_number
                where members.wanted_batch_id = wanted.batch_id and members.wanted_row_number = wanted.row_number
            ) then 'NOT_UNIQUE'
            when coalesce(judged_pools.expected_by_chance > {{ rule.lambda_max }}, true) then 'LIKELY_CHANCE'
            else 'SUGGESTED'
        end as outcome
    from wanted
    inner join pools
        on {{ _equal_keys('wanted', 'pools', on) }}
    inner join judged_pools
        on {{ _equal_keys('wanted', 'judged_pools', on) }}
    left join counted
        on wanted.batch_id = counted.wanted_batch_id and wanted.row_number = counted.wanted_row_number
    where counted.subset_count is not null or pools.pool_size > {{ rule.max_pool }}
)

select
    judged.org_id,
    cast('{{ declared.stream }}' as {{ type_text() }}) as stream,
    cast('{{ ladder }}' as {{ type_text() }}) as ladder,
    cast('{{ one | upper }}' as {{ type_text() }}) as side,
    cast(judged.system as {{ type_text() }}) as system,
    judged.activity_id,
    judged.currency,
    judged.amount_minor,
    cast(judged.outcome as {{ type_text() }}) as outcome,
    cast(subsets.member_count as integer) as member_count,
    cast(judged.member_ids as {{ type_text() }}) as member_ids,
    cast(judged.subset_count as bigint) as subset_count,
    cast(judged.pool_size as bigint) as pool_size,
    -- luck beyond a million subsets is no number that anybody reads
    cast(least(judged.expected_by_chance, 1000000) as {{ type_decimal(18, 6) }}) as expected_by_chance,
    judged.batch_id,
    judged.row_number
from judged
left join subsets
    on judged.batch_id = subsets.wanted_batch_id and judged.row_number = subsets.wanted_row_number and judged.member_ids = subsets.member_ids
{%- endmacro %}
