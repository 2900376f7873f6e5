{#
    A side's column of a stored step row. A pair keeps no target copy of the columns that the step matched on: they are the source's.

    relation: alias of the step table; role: 'source' or 'target'; on: the step's key columns.
#}
{% macro _held_column(relation, role, column, on) -%}
    {%- if role == 'target' and column in on -%}
        {{ return("(case when " ~ relation ~ ".outcome = 'PAIR' then " ~ relation ~ '.source_' ~ column ~ ' else ' ~ relation ~ '.target_' ~ column ~ ' end)') }}
    {%- endif -%}
    {{ return(relation ~ '.' ~ role ~ '_' ~ column) }}
{%- endmacro %}

{# Which side of a step's matches has several records: 'source', 'target', or none for pairs. #}
{% macro _step_many(ladder, step) -%}
    {{ return(_step_meta(ladder, step, 'many')) }}
{%- endmacro %}

{# The key columns of a step. #}
{% macro _step_keys(ladder, step) -%}
    {{ return(_step_meta(ladder, step, 'on') or []) }}
{%- endmacro %}

{# What a step says of itself in its model's config; dbt's graph has it once the project is parsed. #}
{% macro _step_meta(ladder, step, name) -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.name == ladder ~ '__' ~ step -%}
            {{ return(node.config.meta.get(name)) }}
        {%- endfor -%}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}
