{#
    Makes `audit.processed_batches` before the first model runs: which consumer (a model, or a step under one text of its rule) has worked
    off which batch. Appended by `mark_processed`, never rebuilt. `audit.absorptions`: what rules have written off, appended by `record_absorptions`. And `audit.builds`: whoever is about to change the warehouse, by id, with its `as_of` and mode; the orchestrator sees there
    whether somebody has built since its last run.
#}
{% macro register_ledger() -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'test', 'seed', 'snapshot') -%}
        {%- set schema = generate_schema_name('audit', none) -%}
        {%- do run_query('create schema if not exists ' ~ schema) -%}
        {%- do run_query(
            'create table if not exists ' ~ _ledger() ~ ' (consumer ' ~ type_text() ~ ', batch_id ' ~ type_text()
            ~ ', as_of timestamp, run_id ' ~ type_text() ~ ')'
        ) -%}
        {%- do run_query(
            'create table if not exists ' ~ _absorptions() ~ ' (exception_id ' ~ type_text() ~ ', org_id ' ~ type_text() ~ ', rule_id ' ~ type_text()
            ~ ', counterparty_id ' ~ type_text() ~ ', month ' ~ type_text() ~ ', currency ' ~ type_text() ~ ', absorbed_minor bigint, run_id ' ~ type_text() ~ ')'
        ) -%}
        {%- if flags.WHICH != 'test' -%}
            {%- set builds = schema ~ '.builds' -%}
            {%- do run_query('create table if not exists ' ~ builds ~ ' (run_id ' ~ type_text() ~ ', started_at timestamp)') -%}
            {%- do run_query('alter table ' ~ builds ~ ' add column if not exists as_of timestamp') -%}
            {%- do run_query('alter table ' ~ builds ~ ' add column if not exists mode ' ~ type_text()) -%}
            {%- do run_query(
                'insert into ' ~ builds ~ ' (run_id, started_at, as_of, mode) values (' ~ run_id() ~ ', '
                ~ timestamp_literal(run_started_at.strftime('%Y-%m-%d %H:%M:%S.%f')) ~ ', ' ~ as_of() ~ ", '" ~ run_mode() ~ "')"
            ) -%}
        {%- endif -%}
    {%- endif -%}
    select 1 as ledger_is_registered
{%- endmacro %}

{# The `as_of` of the last daily run, as a scalar query: all that a daily run judges was judged by then. #}
{% macro _last_daily_as_of() -%}
    {{ return('(select max(builds.as_of) from ' ~ generate_schema_name('audit', none) ~ ".builds as builds where builds.mode = 'daily')") }}
{%- endmacro %}

{% macro _ledger() -%}
    {{ return(generate_schema_name('audit', none) ~ '.processed_batches') }}
{%- endmacro %}
