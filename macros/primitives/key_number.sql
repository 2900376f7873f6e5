{#
    A number that stands for a key of several texts, the same within one engine and run: equal keys have equal numbers, and unlike ones nearly always unlike
    numbers. For finding what may be equal, cheaply; never for saying that it is.
#}
{% macro key_number(columns) -%}
    {{ return(adapter.dispatch('key_number', 'tieout')(columns=columns)) }}
{%- endmacro %}

{% macro default__key_number(columns) -%}
    {{ exceptions.raise_compiler_error("key_number: no implementation for adapter '" ~ target.type ~ "'") }}
{%- endmacro %}

{% macro duckdb__key_number(columns) -%}
    hash({{ columns | join(', ') }})
{%- endmacro %}

{% macro postgres__key_number(columns) -%}
    hashtextextended({{ joined_text(columns) }}, 0)
{%- endmacro %}

{% macro spark__key_number(columns) -%}
    xxhash64({{ columns | join(', ') }})
{%- endmacro %}
