{# Keyword that keeps a CTE that is read twice from being written out in full first; the engine then pushes filters into it. #}
{% macro inline_cte() -%}
    {{ return(adapter.dispatch('inline_cte', 'tieout')()) }}
{%- endmacro %}

{% macro default__inline_cte() -%}not materialized{%- endmacro %}

{# Spark always inlines. #}
{% macro spark__inline_cte() -%}{%- endmacro %}
