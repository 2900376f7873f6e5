{# Text of the shape `YYYY-MM-DD`, checked before, as a date; null when there is no such day. #}
{% macro try_date(text) -%}
    {{ return(adapter.dispatch('try_date', 'tieout')(text=text)) }}
{%- endmacro %}

{% macro default__try_date(text) -%}
    try_cast({{ text }} as date)
{%- endmacro %}

{% macro postgres__try_date(text) -%}
    case when pg_input_is_valid({{ text }}, 'date') then cast({{ text }} as date) end
{%- endmacro %}
