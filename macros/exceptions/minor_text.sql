{#
    Minor units as the number that people read: -1234 with exponent 2 is `-12.34`, 5 is `0.05`; null stays null.

    minor: integer expression; exponent: integer expression, decimals of the currency.
#}
{% macro minor_text(minor, exponent) -%}
    {%- set plain = 'cast(abs(' ~ minor ~ ') as ' ~ type_text() ~ ')' -%}
    {%- set width = 'cast(greatest(length(' ~ plain ~ '), ' ~ exponent ~ ' + 1) as integer)' -%}
    {%- set digits = 'lpad(' ~ plain ~ ', ' ~ width ~ ", '0')" -%}
    case when {{ minor }} < 0 then '-' else '' end
    || left({{ digits }}, {{ width }} - {{ exponent }})
    || case when {{ exponent }} > 0 then '.' || right({{ digits }}, {{ exponent }}) else '' end
{%- endmacro %}
