{# A UTC timestamp constant; `text` is `YYYY-MM-DD HH:MM:SS[.ffffff]`. #}
{% macro timestamp_literal(text) -%}
    cast('{{ text }}' as timestamp)
{%- endmacro %}
