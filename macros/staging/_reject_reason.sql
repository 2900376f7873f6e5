{# Why one column makes its record a reject: a code, or null. #}
{% macro _reject_reason(declaration, column) -%}
    {%- set name = column.name -%}
    case
        {%- if column.get('required') %}
        when {{ name }} is null then '{{ 'missing_id' if name == declaration.get('id_column') else 'missing_value' }}'
        {%- else %}
        when {{ name }} is null then null
        {%- endif %}
        {%- if column.type == 'currency' %}
        when {{ name }}__known is null then 'unknown_currency'
        {%- elif column.type == 'amount' %}
        when not {{ name }}__shaped then 'unreadable_amount'
        when {{ name }}__too_fine then 'too_many_decimals'
        when {{ name }}__too_large then 'amount_out_of_range'
        {%- elif column.type == 'time' %}
        when {{ name }}__utc is null then 'unreadable_time'
        {%- if _convention(declaration, 'time_zone') != "'UTC'" %}
        when {{ name }}__skipped then 'nonexistent_local_time'
        {%- endif %}
        {%- elif column.type in ('date', 'integer', 'decimal') %}
        when {{ name }}__value is null then 'unreadable_{{ column.type }}'
        {%- if column.get('minimum') is not none %}
        when {{ name }}__value < {{ column.minimum }} then 'below_minimum'
        {%- endif %}
        {%- endif %}
    end
{%- endmacro %}
