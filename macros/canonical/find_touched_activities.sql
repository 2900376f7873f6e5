{#
    Pre-hook of a dispositions model in an incremental run: the activities of batches that it has not seen, as scratch table `touched` (org, activity).

    records: the canonical model; consumer, upstream: as for `unprocessed_batches`.
#}
{% macro find_touched_activities(records, consumer, upstream) -%}
    {%- if execute and is_incremental() -%}
    {{ scratch_table(_scratch('new_batches'), unprocessed_batches(consumer=consumer, upstream=upstream)) }}
    {%- set touched -%}
    select distinct
        records.org_id,
        records.activity_id
    from {{ ref(records) }} as records
    where records.batch_id in (select new_batches.batch_id from {{ _scratch('new_batches') }} as new_batches)
    {%- endset -%}
    {{ scratch_table(_scratch('touched'), touched) }}
    {%- endif -%}
{%- endmacro %}
