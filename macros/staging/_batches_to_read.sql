{#
    Query of the batches of a feed that were received by `as_of` and that an incremental model has not read. What it has read is told by its own rows, or
    where it may keep none of a batch by its `consumer`'s entries in the ledger.
#}
{% macro _batches_to_read(feed, consumer=none) -%}
    select batches.batch_id
    from {{ source('landing', 'batches') }} as batches
    where
        batches.system = '{{ feed.split('/')[0] }}'
        and batches.feed = '{{ feed.split('/')[1] }}'
        and {{ is_received('batches') }}
        {%- if is_incremental() %}
        and not exists (
            select 1
            {%- if consumer %}
            from {{ _ledger() }} as done
            where done.consumer = {{ text_literal(consumer) }} and done.batch_id = batches.batch_id
            {%- else %}
            from {{ this }} as loaded
            where loaded.batch_id = batches.batch_id
            {%- endif %}
        )
        {%- endif %}
{%- endmacro %}
