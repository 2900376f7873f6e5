{#
    PRICE_MISMATCH: `abs(source - target) > max(price_abs_minor, price_pct * abs(source))`, in minor units of the record's own currency, in exact
    decimals; equal to the limit passes. Not judged when the currencies differ: there is no difference then. A missing amount fails.
#}
{% macro check_price_tolerance() -%}
    {%- set fails -%}
        coalesce(source_currency = target_currency, false)
        and coalesce(
            case
                when source_amount_minor = target_amount_minor then false
                else abs(source_amount_minor - target_amount_minor) > price_abs_minor
                    and cast(abs(source_amount_minor - target_amount_minor) as {{ type_decimal(29, 0) }})
                        > price_pct * cast(abs(source_amount_minor) as {{ type_decimal(20, 0) }})
            end,
            true
        )
    {%- endset -%}
    {{ return({
        'anomaly': 'PRICE_MISMATCH',
        'formula': 'abs(source_amount_minor - target_amount_minor) <= max(price_abs_minor, price_pct * abs(source_amount_minor))',
        'fails': fails
    }) }}
{%- endmacro %}
