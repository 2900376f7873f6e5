{# Text with every hit of a pattern replaced. The pattern is one set of characters and how often it stands, about which engines agree. #}
{% macro replace_every(text, pattern, replacement) -%}
    {{ return(adapter.dispatch('replace_every', 'tieout')(text=text, pattern=pattern, replacement=replacement)) }}
{%- endmacro %}

{% macro default__replace_every(text, pattern, replacement) -%}
    {{ exceptions.raise_compiler_error("replace_every: no implementation for adapter '" ~ target.type ~ "'") }}
{%- endmacro %}

{% macro duckdb__replace_every(text, pattern, replacement) -%}
    regexp_replace({{ text }}, {{ text_literal(pattern) }}, {{ text_literal(replacement) }}, 'g')
{%- endmacro %}

{% macro postgres__replace_every(text, pattern, replacement) -%}
    regexp_replace({{ text }}, {{ text_literal(pattern) }}, {{ text_literal(replacement) }}, 'g')
{%- endmacro %}

{% macro spark__replace_every(text, pattern, replacement) -%}
    regexp_replace({{ text }}, {{ text_literal(pattern) }}, {{ text_literal(replacement) }})
{%- endmacro %}
