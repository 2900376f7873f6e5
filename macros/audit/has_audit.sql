{#
    Whether the orchestrator keeps its books in this warehouse. It makes them before dbt starts; dbt by itself in an empty warehouse, and a replay's scratch place,
    have none. True where nothing is being built, and in a unit test, whose inputs are no relations; so that compiled code is always the whole of it.
#}
{% macro has_audit() -%}
    {%- if not execute or flags.WHICH not in ('build', 'run') or model.get('tested_node_unique_id') -%}{{ return(true) }}{%- endif -%}
    {{ return(load_relation(source('audit', 'reconciliation_step_runs')) is not none) }}
{%- endmacro %}
