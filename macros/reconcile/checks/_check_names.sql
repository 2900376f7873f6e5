{# The checks that a ladder may name; each is a macro `check_<name>`. #}
{% macro _check_names() -%}
    {{ return(['attribute_equality', 'currency_equality', 'price_tolerance', 'status_alignment', 'timestamp_skew']) }}
{%- endmacro %}

{# A check by its name: `{anomaly, formula, fails}`; `attributes` as the ladder declares them. `fails` is a condition over a pair's columns, true or false, never null. #}
{% macro _check(name, attributes=[]) -%}
    {%- if name == 'attribute_equality' -%}{{ return(check_attribute_equality(attributes)) }}
    {%- elif name == 'currency_equality' -%}{{ return(check_currency_equality()) }}
    {%- elif name == 'price_tolerance' -%}{{ return(check_price_tolerance()) }}
    {%- elif name == 'status_alignment' -%}{{ return(check_status_alignment()) }}
    {%- elif name == 'timestamp_skew' -%}{{ return(check_timestamp_skew()) }}
    {%- endif -%}
{%- endmacro %}
