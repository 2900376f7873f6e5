{#
    Indexes of a table where the engine finds rows by them: a list for dbt's `indexes` config. DuckDB and Spark find rows by the statistics of
    their blocks; there an index would only cost.
#}
{% macro engine_indexes(columns) -%}
    {{ return(adapter.dispatch('engine_indexes', 'tieout')(columns=columns)) }}
{%- endmacro %}

{% macro default__engine_indexes(columns) -%}
    {{ return([]) }}
{%- endmacro %}

{% macro postgres__engine_indexes(columns) -%}
    {%- set indexes = [] -%}
    {%- for names in columns -%}
        {%- do indexes.append({'columns': names}) -%}
    {%- endfor -%}
    {{ return(indexes) }}
{%- endmacro %}
