{#
    Text that has the shape `YYYY-MM-DD[T ]HH:MM[:SS[.ffffff]][Z]` as a timestamp without zone, null when there is no such day. The shape must be
    checked as well: what an engine reads beyond it (`epoch`, `24:00`, month names) counts for nothing.
#}
{% macro try_timestamp(text) -%}
    {{ return(adapter.dispatch('try_timestamp', 'tieout')(text=text)) }}
{%- endmacro %}

{% macro default__try_timestamp(text) -%}
    try_cast({{ text }} as timestamp)
{%- endmacro %}

{% macro postgres__try_timestamp(text) -%}
    case when pg_input_is_valid({{ text }}, 'timestamp') then cast({{ text }} as timestamp) end
{%- endmacro %}
