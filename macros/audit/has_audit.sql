{#
    Whether the orchestrator keeps its books in this warehouse. It makes them before dbt starts; dbt by itself in an empty warehouse, and a replay's scratch place,
    have none. True where nothing is being built, and in a unit test, whose inputs are no relations; so that compiled code is always the whole of it.
#}
{% macro has_audit() -%}
    {%- if not execute or flags.WHICH not in ('build', 'run') or model.get('tested_node_unique_id') -%}{{ return(true) }}{%- endif -%}
    {%- set table = adapter.get_relation(this.database, generate_schema_name('audit', none), 'reconciliation_step_runs') -%}
    {{ return(table is not none) }}
{%- endmacro %}

{# A table of the books by its name. Not a source to dbt: whoever draws the lineage would look for who makes it before the model runs. #}
{% macro _audit_table(name) -%}
    {{ return(generate_schema_name('audit', none) ~ '.' ~ name) }}
{%- endmacro %}
