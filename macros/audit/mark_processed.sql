{#
    Post-hook of an incremental model: notes in the ledger that `consumer` has worked off every batch that was ready for it. It runs after the
    rows are written, in their transaction where the engine has one; elsewhere a crash in between repeats work that changes nothing.
#}
{% macro mark_processed(consumer, upstream) -%}
    insert into {{ _ledger() }} (consumer, batch_id, as_of, run_id)
    select {{ text_literal(consumer) }}, ready.batch_id, {{ as_of() }}, {{ run_id() }}
    from ({{ unprocessed_batches(consumer=consumer, upstream=upstream) }}) as ready
{%- endmacro %}
