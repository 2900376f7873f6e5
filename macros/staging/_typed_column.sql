{#
    Select-list items that turn one column's text into its value; null where it has the wrong shape, never an error and never a guess. The plain shape is cast as
    it is; only what differs from it is pulled apart.
#}
{% macro _typed_column(declaration, column) -%}
    {%- set name = column.name -%}
    {%- set is_plain = name ~ '__is_plain' -%}
    {%- if column.type == 'amount' -%}
        {%- set amount = _amount(declaration, name) -%}
        {%- set exponent = column.currency ~ '__exponent' %},
        case
            when
                {{ is_plain }}
                and {{ exponent }} = case when position('.' in {{ name }}) > 0 then length({{ name }}) - position('.' in {{ name }}) else 0 end
                then cast(replace({{ name }}, '.', '') as bigint)
            when
                {{ amount.shaped }}
                and length({{ amount.fraction }}) <= {{ exponent }}
                and length({{ amount.whole }}) + {{ exponent }} <= 18
                then cast(
                    case when left({{ name }}, 1) = '-' then '-0' else '0' end
                    || {{ amount.whole }} || rpad({{ amount.fraction }}, {{ exponent }}, '0') as bigint
                )
        end as {{ name }}__value
    {%- elif column.type == 'time' -%}
        {%- set zone = _zone(declaration, column) -%}
        {%- set offset = name ~ '__offset' -%}
        {%- set local = name ~ '__local' -%}
        {%- set minutes -%}
            (case when left({{ offset }}, 1) = '-' then 1 else -1 end)
            * (
                cast(substr({{ offset }}, 2, 2) as integer) * 60
                + case when length({{ offset }}) > 3 then cast(right({{ offset }}, 2) as integer) else 0 end
            )
        {%- endset -%}
        {%- set shaped = name ~ '__is_shaped' -%}
        {%- set at_edge = _at_edge(name) %},
        case
            {%- if zone == "'UTC'" %}
            when {{ is_plain }} then {{ name }}__moment
            when not {{ shaped }} then null
            when {{ offset }} in ('Z', '') then {{ local }}
            when {{ at_edge }} then {{ _within_years(add_time(local, minutes, 'minute')) }}
            {%- else %}
            when {{ is_plain }} and not {{ at_edge }} then {{ name }}__moment
            when not {{ shaped }} then null
            when {{ offset }} = '' then
                case
                    when {{ at_edge }} then {{ _within_years(local_to_utc(local, zone)) }}
                    {# A local time that the clocks skipped does not come back from UTC as itself. #}
                    when {{ utc_to_local(local_to_utc(local, zone), zone) }} = {{ local }} then {{ local_to_utc(local, zone) }}
                end
            when {{ offset }} = 'Z' then
                case when {{ at_edge }} then {{ _within_years(local, utc_to_local(local, zone)) }} else {{ local }} end
            when {{ at_edge }} then
                {{ _within_years(add_time(local, minutes, 'minute'), utc_to_local(add_time(local, minutes, 'minute'), zone)) }}
            {%- endif %}
            else {{ add_time(local, minutes, 'minute') }}
        end as {{ name }}__value
        {%- if zone != "'UTC'" %},
        case
            when {{ is_plain }} or {{ at_edge }} then false
            else {{ shaped }} and {{ offset }} = '' and {{ local }} is not null
        end as {{ name }}__is_local
        {%- endif %}
    {%- elif column.type == 'date' %},
        case
            when {{ matches(name, _date_pattern()) }} and left({{ name }}, 4) <> '0000' then {{ try_date(name) }}
        end as {{ name }}__value
    {%- elif column.type == 'integer' -%}
        {%- set digits = strip_zeros("replace(replace(" ~ name ~ ", '-', ''), '+', '')", 'left') %},
        case
            when {{ is_plain }} then cast({{ name }} as bigint)
            when {{ matches(name, '[+-]?[0-9]+') }} and length({{ digits }}) <= 18
                then cast(case when left({{ name }}, 1) = '-' then '-0' else '0' end || {{ digits }} as bigint)
        end as {{ name }}__value
    {%- elif column.type == 'decimal' -%}
        {%- set unsigned = "replace(replace(" ~ name ~ ", '-', ''), '+', '')" -%}
        {%- set whole = strip_zeros('split_part(' ~ unsigned ~ ", '.', 1)", 'left') -%}
        {%- set fraction = strip_zeros('split_part(' ~ unsigned ~ ", '.', 2)", 'right') %},
        case
            when {{ matches(name, '[+-]?[0-9]+(\\.[0-9]+)?') }} and length({{ whole }}) <= 9 and length({{ fraction }}) <= 9
                then cast(
                    case when left({{ name }}, 1) = '-' then '-0' else '0' end
                    || {{ whole }} || '.' || rpad({{ fraction }}, 9, '0') as {{ type_decimal(18, 9) }}
                )
        end as {{ name }}__value
    {%- elif column.type == 'currency' %},
        {{ name }}__known as {{ name }}__value
    {%- else %},
        {{ name }} as {{ name }}__value
    {%- endif -%}
{%- endmacro %}

{# A moment, or null when it (or `also`) is not in the years 0001 to 9999: what other systems read of it would differ. #}
{% macro _within_years(moment, also=none) -%}
    case
        when {% for instant in [moment, also] if instant %}{{ 'and ' if not loop.first }}{{ instant }} between {{ timestamp_literal('0001-01-01 00:00:00') }} and {{ timestamp_literal('9999-12-31 23:59:59.999999') }} {% endfor %}
            then {{ moment }}
    end
{%- endmacro %}
