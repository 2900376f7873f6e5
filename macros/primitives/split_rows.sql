{# Turns a comma-separated text into rows: an expression for the select list that yields one row an item. #}
{% macro split_rows(text) -%}
    {{ return(adapter.dispatch('split_rows', 'tieout')(text=text)) }}
{%- endmacro %}

{% macro default__split_rows(text) -%}
    {{ exceptions.raise_compiler_error("split_rows: no implementation for adapter '" ~ target.type ~ "'") }}
{%- endmacro %}

{% macro duckdb__split_rows(text) -%}
    unnest(string_split({{ text }}, ','))
{%- endmacro %}

{% macro postgres__split_rows(text) -%}
    unnest(string_to_array({{ text }}, ','))
{%- endmacro %}

{% macro spark__split_rows(text) -%}
    explode(split({{ text }}, ','))
{%- endmacro %}
