{# An order's number without the `#` that some exports put in front of it, so that all systems say the same. #}
{% macro without_number_sign(text) -%}
    {{ return(replace_pattern(text, '^#', '')) }}
{%- endmacro %}
