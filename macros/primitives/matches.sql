{% macro matches(text, pattern) -%}
    {{ return(adapter.dispatch('matches', 'tieout')(text=text, pattern=pattern)) }}
{%- endmacro %}

{% macro default__matches(text, pattern) -%}
    {{ exceptions.raise_compiler_error("matches: no implementation for adapter '" ~ target.type ~ "'") }}
{%- endmacro %}

{% macro duckdb__matches(text, pattern) -%}
    regexp_full_match({{ text }}, '{{ pattern | replace("'", "''") }}')
{%- endmacro %}

{% macro postgres__matches(text, pattern) -%}
    ({{ text }} ~ '^(?:{{ pattern | replace("'", "''") }})$')
{%- endmacro %}

{% macro spark__matches(text, pattern) -%}
    ({{ text }} rlike r'^(?:{{ pattern | replace("'", "\\'") }})$')
{%- endmacro %}
