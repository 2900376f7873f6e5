{# The first 15 hexadecimal digits (60 bits) of the MD5 of a text, as bigint: the same number on every engine. #}
{% macro hash_60(text) -%}
    {{ return(adapter.dispatch('hash_60', 'tieout')(text=text)) }}
{%- endmacro %}

{% macro default__hash_60(text) -%}
    {{ exceptions.raise_compiler_error("hash_60: no implementation for adapter '" ~ target.type ~ "'") }}
{%- endmacro %}

{% macro duckdb__hash_60(text) -%}
    cast('0x' || substr(md5({{ text }}), 1, 15) as bigint)
{%- endmacro %}

{% macro postgres__hash_60(text) -%}
    cast(cast('x' || substr(md5({{ text }}), 1, 15) as bit(60)) as bigint)
{%- endmacro %}

{% macro spark__hash_60(text) -%}
    cast(conv(substr(md5({{ text }}), 1, 15), 16, 10) as bigint)
{%- endmacro %}
