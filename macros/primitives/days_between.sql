{# Query of every day from `first` to `last` (texts `YYYY-MM-DD`), both included, as column `day`. #}
{% macro days_between(first, last) -%}
    {{ return(adapter.dispatch('days_between', 'tieout')(first=first, last=last)) }}
{%- endmacro %}

{% macro default__days_between(first, last) -%}
    select cast(days.day as date) as day
    from generate_series(timestamp '{{ first }}', timestamp '{{ last }}', interval '1 day') as days (day)
{%- endmacro %}
