{{ config(materialized='table') }}
-- What a search for subsets suggests, where a ladder of the registry has it on; empty while none has, which is the default.
{%- set searched = [] %}
{%- for stream in _streams().values() %}
{%- for name in stream.ladders if _ladder(name).subset.get('enabled') %}{% do searched.append(name) %}{% endfor %}
{%- endfor %}
{%- for name in searched %}
select
    suggestions.*,
    'A suggestion, not a match: ' || case outcome
        when 'SUGGESTED' then 'these ' || cast(member_count as {{ type_text() }}) || ' records are the only ones that come to the amount.'
        when 'SAME_AMOUNTS' then 'several sets of the same amounts come to it; which records it is cannot be told.'
        when 'NOT_UNIQUE' then 'other records come to it as well, or make up another amount.'
        when 'LIKELY_CHANCE' then 'among so many records of such amounts a sum like this comes about by chance.'
        else 'there are too many records to search.'
    end as explanation
from (
    {{ subset_suggestions(name) | indent(4) }}
) as suggestions
{{ 'union all' if not loop.last }}
{%- else %}
select
    {%- for column in ['org_id', 'stream', 'ladder', 'side', 'system', 'activity_id', 'currency'] %}
    {{ text_literal(none) }} as {{ column }},
    {%- endfor %}
    cast(null as bigint) as amount_minor,
    {{ text_literal(none) }} as outcome,
    cast(null as integer) as member_count,
    {{ text_literal(none) }} as member_ids,
    cast(null as bigint) as subset_count,
    cast(null as bigint) as pool_size,
    cast(null as {{ type_decimal(18, 6) }}) as expected_by_chance,
    {{ text_literal(none) }} as batch_id,
    cast(null as bigint) as row_number,
    {{ text_literal(none) }} as explanation
where false
{%- endfor %}
