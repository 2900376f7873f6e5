{#
    A decimal as text without the zeros behind its mark that say nothing: 1.500 is `1.5`, 900.000 is `900`; null stays null.

    number: expression of type decimal, or the text of one, with decimals.
#}
{% macro plain_number(number) -%}
    {%- set text = 'cast(' ~ number ~ ' as ' ~ type_text() ~ ')' -%}
    {%- set fraction = strip_zeros('split_part(' ~ text ~ ", '.', 2)", 'right') -%}
    split_part({{ text }}, '.', 1) || case when {{ fraction }} <> '' then '.' || {{ fraction }} else '' end
{%- endmacro %}
