{#
    Integer quotient of two whole numbers, a bigint; what is left over is dropped. The numbers may be sums, wider than a bigint: left to themselves, one engine
    divides those to a float and another to a fraction.
#}
{% macro integer_divide(dividend, divisor) -%}
    {{ return(adapter.dispatch('integer_divide', 'tieout')(dividend=dividend, divisor=divisor)) }}
{%- endmacro %}

{% macro default__integer_divide(dividend, divisor) -%}
    {{ exceptions.raise_compiler_error("integer_divide: no implementation for adapter '" ~ target.type ~ "'") }}
{%- endmacro %}

{% macro duckdb__integer_divide(dividend, divisor) -%}
    cast((cast({{ dividend }} as hugeint) // cast({{ divisor }} as hugeint)) as bigint)
{%- endmacro %}

{% macro postgres__integer_divide(dividend, divisor) -%}
    cast(div(cast({{ dividend }} as numeric), cast({{ divisor }} as numeric)) as bigint)
{%- endmacro %}

{% macro spark__integer_divide(dividend, divisor) -%}
    (cast({{ dividend }} as decimal(38, 0)) div cast({{ divisor }} as decimal(38, 0)))
{%- endmacro %}
