{% macro type_text() -%}
    {{ return(adapter.dispatch('type_text', 'tieout')()) }}
{%- endmacro %}

{% macro default__type_text() -%}varchar{%- endmacro %}

{# One name on Postgres, so that contracts, which compare names, agree. #}
{% macro postgres__type_text() -%}text{%- endmacro %}

{% macro spark__type_text() -%}string{%- endmacro %}
