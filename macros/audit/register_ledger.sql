{#
    Makes `audit.processed_batches` before the first model runs: which consumer (a model, or a step under one text of its rule) has worked
    off which batch. Appended by `mark_processed`, never rebuilt.
#}
{% macro register_ledger() -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'test', 'seed', 'snapshot') -%}
        {%- set schema = generate_schema_name('audit', none) -%}
        {%- do run_query('create schema if not exists ' ~ schema) -%}
        {%- do run_query(
            'create table if not exists ' ~ _ledger() ~ ' (consumer ' ~ type_text() ~ ', batch_id ' ~ type_text()
            ~ ', as_of timestamp, run_id ' ~ type_text() ~ ')'
        ) -%}
    {%- endif -%}
    select 1 as ledger_is_registered
{%- endmacro %}

{% macro _ledger() -%}
    {{ return(generate_schema_name('audit', none) ~ '.processed_batches') }}
{%- endmacro %}
