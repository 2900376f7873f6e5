{# Why one column makes its record a reject: a code, or null. Agrees with `_is_accepted`. #}
{% macro _reject_reason(declaration, column) -%}
    {%- set name = column.name -%}
    case
        when {{ name }} is null then {{ ("'missing_id'" if name == declaration.get('id_column') else "'missing_value'") if column.get('required') else 'null' }}
        {%- if column.type == 'currency' %}
        when {{ name }}__value is null then 'unknown_currency'
        {%- elif column.type == 'amount' %}
        {%- set amount = _amount(declaration, name) %}
        when {{ name }}__value is null and not {{ amount.shaped }} then 'unreadable_amount'
        when {{ name }}__value is null and length({{ amount.fraction }}) > {{ column.currency }}__exponent then 'too_many_decimals'
        when {{ name }}__value is null and length({{ amount.whole }}) + {{ column.currency }}__exponent > 18 then 'amount_out_of_range'
        {%- elif column.type == 'time' %}
        {%- if _convention(declaration, 'time_zone') != "'UTC'" %}
        when {{ name }}__value is null and {{ name }}__is_local then 'nonexistent_local_time'
        {%- endif %}
        when {{ name }}__value is null then 'unreadable_time'
        {%- elif column.type in ('date', 'integer', 'decimal') %}
        when {{ name }}__value is null then 'unreadable_{{ column.type }}'
        {%- if column.get('minimum') is not none %}
        when {{ name }}__value < {{ column.minimum }} then 'below_minimum'
        {%- endif %}
        {%- endif %}
    end
{%- endmacro %}

{# Whether one column lets its record pass, without working out why not. #}
{% macro _is_accepted(declaration, column) -%}
    {%- set name = column.name -%}
    {%- set has_value = name ~ '__value is not null' -%}
    {%- if column.get('minimum') is not none -%}
        {%- set has_value = '(' ~ has_value ~ ' and ' ~ name ~ '__value >= ' ~ column.minimum ~ ')' -%}
    {%- endif -%}
    {{ return(has_value if column.get('required') else '(' ~ name ~ ' is null or ' ~ has_value ~ ')') }}
{%- endmacro %}
