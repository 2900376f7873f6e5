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
        {#- A currency that is unknown, or missing where it must stand, is its own column's reason. #}
        {%- if not (declaration.columns | selectattr('name', 'equalto', column.currency) | first).get('required') %}
        when {{ name }}__value is null and {{ column.currency }} is null then 'missing_currency'
        {%- endif %}
        when {{ name }}__value is null and length({{ amount.fraction }}) > {{ column.currency }}__exponent then 'too_many_decimals'
        when {{ name }}__value is null and length({{ amount.whole }}) + {{ column.currency }}__exponent > 18 then 'amount_out_of_range'
        {{- _limit_reasons(column) }}
        {%- elif column.type == 'time' %}
        {%- if _zone_column(column) %}
        when {{ name }}__zone is null then 'unknown_time_zone'
        {%- endif %}
        {%- if _zone(declaration, column) != "'UTC'" %}
        when {{ name }}__value is null and {{ name }}__is_local then 'nonexistent_local_time'
        {%- endif %}
        when {{ name }}__value is null then 'unreadable_time'
        {%- elif column.type in ('date', 'integer', 'decimal') %}
        when {{ name }}__value is null then 'unreadable_{{ column.type }}'
        {{- _limit_reasons(column) }}
        {%- endif %}
    end
{%- endmacro %}

{# Whether one column lets its record pass, without working out why not. #}
{% macro _is_accepted(declaration, column) -%}
    {%- set name = column.name -%}
    {%- set conditions = [name ~ '__value is not null'] -%}
    {%- for limit, comparison in [['minimum', '>='], ['maximum', '<=']] if column.get(limit) is not none -%}
        {%- do conditions.append(name ~ '__value ' ~ comparison ~ ' ' ~ _limit(column, limit)) -%}
    {%- endfor -%}
    {%- set accepted = conditions | join(' and ') -%}
    {{ return(accepted if column.get('required') else '(' ~ name ~ ' is null or ' ~ accepted ~ ')') }}
{%- endmacro %}

{# The branches of a reason for the limits that a column declares. #}
{% macro _limit_reasons(column) -%}
    {%- for limit, comparison, reason in [['minimum', '<', 'below_minimum'], ['maximum', '>', 'above_maximum']] if column.get(limit) is not none %}
        when {{ column.name }}__value {{ comparison }} {{ _limit(column, limit) }} then '{{ reason }}'
    {%- endfor -%}
{%- endmacro %}

{# A column's `minimum` or `maximum` in the terms of its value: of an amount it is declared in units of the currency, and the value is in minor units. #}
{% macro _limit(column, limit) -%}
    {%- if column.type != 'amount' -%}{{ return(column[limit] | string) }}{%- endif -%}
    {{ return('cast(' ~ column[limit] ~ ' as ' ~ type_decimal(28, 4) ~ ") * cast(rpad('1', " ~ column.currency ~ "__exponent + 1, '0') as " ~ type_decimal(9, 0) ~ ')') }}
{%- endmacro %}
