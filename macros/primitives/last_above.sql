{#
    The row's own value, or where it has none the last one above it: in the order of `number`, among the rows that have equal `within`. Null where there is none above.
    `number` is a bigint from 1, unique among those rows.
#}
{% macro last_above(value, within, number) -%}
    {{ return(adapter.dispatch('last_above', 'tieout')(value=value, within=within, number=number)) }}
{%- endmacro %}

{% macro default__last_above(value, within, number) -%}
    last_value({{ value }} ignore nulls) over (
        partition by {{ within | join(', ') }}
        order by {{ number }}
        rows between unbounded preceding and current row
    )
{%- endmacro %}

{# Postgres has no `ignore nulls`: the greatest pair of padded number and value so far says the same in one pass. #}
{% macro postgres__last_above(value, within, number) -%}
    (max(array[lpad(cast({{ number }} as text), 19, '0'), {{ value }}]) filter (where {{ value }} is not null) over (
        partition by {{ within | join(', ') }}
        order by {{ number }}
        rows between unbounded preceding and current row
    ))[2]
{%- endmacro %}

{% macro spark__last_above(value, within, number) -%}
    last_value({{ value }}, true) over (
        partition by {{ within | join(', ') }}
        order by {{ number }}
        rows between unbounded preceding and current row
    )
{%- endmacro %}
