{# CURRENCY_MISMATCH: the two currencies differ, or one is unknown. #}
{% macro check_currency_equality() -%}
    {{ return({
        'anomaly': 'CURRENCY_MISMATCH',
        'formula': 'source_currency = target_currency',
        'fails': 'coalesce(source_currency <> target_currency, true)'
    }) }}
{%- endmacro %}
