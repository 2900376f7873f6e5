{# Keyword that has a CTE that is read several times worked out once and kept; for few rows that are dear to find. #}
{% macro kept_cte() -%}
    {{ return(adapter.dispatch('kept_cte', 'tieout')()) }}
{%- endmacro %}

{% macro default__kept_cte() -%}materialized{%- endmacro %}

{# Spark knows no such word and always inlines. #}
{% macro spark__kept_cte() -%}{%- endmacro %}
