{# Text without the zeros at its end (`side='right'`) or start (`side='left'`). #}
{% macro strip_zeros(text, side) -%}
    {{ return(adapter.dispatch('strip_zeros', 'tieout')(text=text, side=side)) }}
{%- endmacro %}

{% macro default__strip_zeros(text, side) -%}
    {{ 'rtrim' if side == 'right' else 'ltrim' }}({{ text }}, '0')
{%- endmacro %}

{% macro spark__strip_zeros(text, side) -%}
    trim({{ 'trailing' if side == 'right' else 'leading' }} '0' from {{ text }})
{%- endmacro %}
