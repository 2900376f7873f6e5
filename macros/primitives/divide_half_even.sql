{#
    Quotient of two whole numbers, rounded to a whole number; exactly half goes to the even neighbour (banker's rounding). Exact up to 38 digits; the caller keeps
    the numbers within that, and the divisor positive.
#}
{% macro divide_half_even(dividend, divisor) -%}
    {{ return(adapter.dispatch('divide_half_even', 'tieout')(dividend=dividend, divisor=divisor)) }}
{%- endmacro %}

{% macro default__divide_half_even(dividend, divisor) -%}
    {{ exceptions.raise_compiler_error("divide_half_even: no implementation for adapter '" ~ target.type ~ "'") }}
{%- endmacro %}

{% macro duckdb__divide_half_even(dividend, divisor) -%}
    {{ _divide_half_even('cast(' ~ dividend ~ ' as hugeint)', 'cast(' ~ divisor ~ ' as hugeint)', '{} // {}') }}
{%- endmacro %}

{% macro postgres__divide_half_even(dividend, divisor) -%}
    {{ _divide_half_even('cast(' ~ dividend ~ ' as numeric)', 'cast(' ~ divisor ~ ' as numeric)', 'div({}, {})') }}
{%- endmacro %}

{#
    The same on every engine: the quotient of the absolute values cut off, one more where the rest is over half, or half beside an odd quotient, and the sign back.
    `whole` is how an engine writes the quotient of two whole numbers without what is left over.
#}
{% macro _divide_half_even(dividend, divisor, whole) -%}
    {%- set size = 'abs(' ~ dividend ~ ')' -%}
    {%- set quotient = '(' ~ whole.format(size, divisor) ~ ')' -%}
    {%- set twice_rest = '2 * (' ~ size ~ ' - ' ~ quotient ~ ' * ' ~ divisor ~ ')' -%}
    (
        case when {{ dividend }} < 0 then -1 else 1 end
        * (
            {{ quotient }}
            + case
                when {{ twice_rest }} > {{ divisor }} or ({{ twice_rest }} = {{ divisor }} and {{ quotient }} % 2 = 1) then 1
                else 0
            end
        )
    )
{%- endmacro %}
