{#
    PRICE_MISMATCH: `abs(source - target) > max(price_abs_minor, price_pct * abs(source))`, in minor units, in exact decimals; equal to the limit passes. In the records'
    own currency, and not judged when the currencies differ: there is no difference then. Where the policy's price_basis is BASE, in the org's base currency after
    conversion (macro `_converted`), and not judged while a rate is missing, which FX_RATE_MISSING tells. A missing amount fails.
#}
{% macro check_price_tolerance() -%}
    {%- set fails -%}
        case
            when base_currency is null
                then coalesce(source_currency = target_currency, false) and {{ _exceeds_tolerance('source_amount_minor', 'target_amount_minor') | indent(16) }}
            else not is_rate_missing and {{ _exceeds_tolerance('source_base_minor', 'target_base_minor') | indent(16) }}
        end
    {%- endset -%}
    {{ return({
        'anomaly': 'PRICE_MISMATCH',
        'formula': 'abs(source - target) <= max(price_abs_minor, price_pct * abs(source)), in minor units of the record or, where price_basis is BASE, of the base currency',
        'fails': fails
    }) }}
{%- endmacro %}

{# FX_RATE_MISSING: the policy measures in the base currency and no rate converts an amount. It comes with the price tolerance. #}
{% macro _check_rates() -%}
    {{ return({'anomaly': 'FX_RATE_MISSING', 'fails': 'is_rate_missing'}) }}
{%- endmacro %}

{# Whether two amounts lie further apart than the policy allows: true or false, true where one is unknown. #}
{% macro _exceeds_tolerance(source, target) -%}
coalesce(
    case
        when {{ source }} = {{ target }} then false
        else abs({{ source }} - {{ target }}) > price_abs_minor
            and cast(abs({{ source }} - {{ target }}) as {{ type_decimal(29, 0) }})
                > price_pct * cast(abs({{ source }}) as {{ type_decimal(20, 0) }})
    end,
    true
)
{%- endmacro %}
