{#
    CURRENCY_MISMATCH: the two currencies differ, or one is unknown. Where the policy measures in the base currency, both are converted, and only an unknown one is
    a fault.
#}
{% macro check_currency_equality() -%}
    {{ return({
        'anomaly': 'CURRENCY_MISMATCH',
        'formula': 'source_currency = target_currency, or both known and price_basis BASE',
        'fails': 'source_currency is null or target_currency is null or (source_currency <> target_currency and base_currency is null)'
    }) }}
{%- endmacro %}
