{#
    End of a query whose columns must be worked out once a row. An engine that writes a subquery's expressions into every place that reads them would otherwise
    multiply those that read a text many times, and again in the next query.
#}
{% macro fence() -%}
    {{ return(adapter.dispatch('fence', 'tieout')()) }}
{%- endmacro %}

{# DuckDB and Spark work a projection out once. #}
{% macro default__fence() -%}{%- endmacro %}

{# Rows still flow through it one by one: nothing is kept. #}
{% macro postgres__fence() -%}offset 0{%- endmacro %}
