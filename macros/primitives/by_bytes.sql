{#
    A text as something to order by, or to take the least of: by its bytes, whatever the database thinks of letters. Where a verdict hangs on which of two comes
    first, engines must not differ.
#}
{% macro by_bytes(text) -%}
    {{ return(adapter.dispatch('by_bytes', 'tieout')(text=text)) }}
{%- endmacro %}

{% macro default__by_bytes(text) -%}
    {{ text }}
{%- endmacro %}

{% macro postgres__by_bytes(text) -%}
    ({{ text }} collate "C")
{%- endmacro %}
