{#
    Pre-hook of a consistency model in an incremental run: for each rule the keys of activities of batches that it has not seen, of all their versions, as scratch
    table `touched_<rule>`.
#}
{% macro find_touched_neighbours(stream, consumer, upstream) -%}
    {%- if execute and is_incremental() -%}
    {{ scratch_table(_scratch('new_batches'), unprocessed_batches(consumer=consumer, upstream=upstream)) }}
    {%- for rule in _consistency_rules(stream) -%}
    {%- set keys -%}
    select distinct {{ _keys('records', rule.others_by) }}
    from {{ ref(rule.side.records) }} as records
    inner join (
        select distinct
            news.org_id,
            news.activity_id
        from {{ ref(rule.side.records) }} as news
        where news.batch_id in (select new_batches.batch_id from {{ _scratch('new_batches') }} as new_batches){{ of_orgs(stream, 'news.org_id') }}
    ) as touched
        on records.org_id = touched.org_id and records.activity_id = touched.activity_id
    {%- endset -%}
    {{ scratch_table(_scratch('touched_' ~ rule.name), keys) }}
    {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
