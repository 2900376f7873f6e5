{# A text constant, quotes doubled; none gives a typed null. #}
{% macro text_literal(value) -%}
    {%- if value is none -%}
        {{- return('cast(null as ' ~ type_text() ~ ')') -}}
    {%- endif -%}
    {{- return("'" ~ (value | string | replace("'", "''")) ~ "'") -}}
{%- endmacro %}
