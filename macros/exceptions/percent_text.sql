{#
    A fraction as the percentage that people read: 0.015 is `1.5`, 1 is `100`; null stays null.

    fraction: expression of type decimal(18, 9), not negative.
#}
{% macro percent_text(fraction) -%}
    {{ plain_number('cast(cast(' ~ fraction ~ ' as ' ~ type_decimal(18, 9) ~ ') * 100 as ' ~ type_decimal(38, 9) ~ ')') }}
{%- endmacro %}
