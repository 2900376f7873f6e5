{# Microseconds since 1970-01-01 UTC of a UTC timestamp, as bigint. #}
{% macro epoch_microseconds(instant) -%}
    {{ return(adapter.dispatch('epoch_microseconds', 'tieout')(instant=instant)) }}
{%- endmacro %}

{% macro default__epoch_microseconds(instant) -%}
    {{ exceptions.raise_compiler_error("epoch_microseconds: no implementation for adapter '" ~ target.type ~ "'") }}
{%- endmacro %}

{% macro duckdb__epoch_microseconds(instant) -%}
    epoch_us({{ instant }})
{%- endmacro %}

{# `extract(epoch ...)` is numeric on Postgres, so nothing is rounded. #}
{% macro postgres__epoch_microseconds(instant) -%}
    cast(extract(epoch from {{ instant }}) * 1000000 as bigint)
{%- endmacro %}

{% macro spark__epoch_microseconds(instant) -%}
    unix_micros({{ instant }})
{%- endmacro %}
