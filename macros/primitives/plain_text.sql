{#
    Whether a text is surely not empty and has no blank of the text grammar at either end; null for null. False says nothing: it is the quick look that spares nearly
    every value `trim_blanks`.
#}
{% macro plain_text(text) -%}
    {{ return(adapter.dispatch('plain_text', 'tieout')(text=text)) }}
{%- endmacro %}

{# No blank at either end, all visible ASCII. #}
{% macro default__plain_text(text) -%}
    {{ return(matches(text, '[!-~]([ -~]*[!-~])?')) }}
{%- endmacro %}

{# Texts compare by their bytes, so this is the first and the last character, at half the cost of a regular expression. #}
{% macro duckdb__plain_text(text) -%}
    ({{ text }} between '!' and '~' and {{ text }}[-1] between '!' and '~')
{%- endmacro %}
