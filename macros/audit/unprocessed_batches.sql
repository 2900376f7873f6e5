{#
    Query of the batch ids that every consumer of one upstream list has worked off and `consumer` has not: what is new for an incremental
    model, found by comparing ids, never by a time. `upstream` is a list of lists: one inner list a feed, `['feed:<system>/<feed>']` for what was landed by
    `as_of`, else the names of consumers.
#}
{% macro unprocessed_batches(consumer, upstream) -%}
    {%- for names in upstream %}
    select upstream_{{ loop.index }}.batch_id
    from (
        {%- if names[0].startswith('feed:') %}
        select batches.batch_id
        from {{ source('landing', 'batches') }} as batches
        where
            batches.system = '{{ names[0][5:].split('/')[0] }}'
            and batches.feed = '{{ names[0][5:].split('/')[1] }}'
            and {{ is_received('batches') }}
        {%- else %}
        select done.batch_id
        from {{ _ledger() }} as done
        where done.consumer in ({% for name in names %}{{ text_literal(name) }}{{ ', ' if not loop.last }}{% endfor %})
        group by done.batch_id
        having count(distinct done.consumer) = {{ names | length }}
        {%- endif %}
    ) as upstream_{{ loop.index }}
    where not exists (
        select 1
        from {{ _ledger() }} as mine
        where mine.consumer = {{ text_literal(consumer) }} and mine.batch_id = upstream_{{ loop.index }}.batch_id
    )
    {{- '\n    union' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
