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
        {%- set zone = _convention(declaration, 'time_zone') -%}
        {%- set offset -%}
            (case
                when right({{ name }}, 1) = 'Z' then 'Z'
                when position('+' in substr({{ name }}, 17)) > 0 then substr({{ name }}, 16 + position('+' in substr({{ name }}, 17)))
                when position('-' in substr({{ name }}, 17)) > 0 then substr({{ name }}, 16 + position('-' in substr({{ name }}, 17)))
                else ''
            end)
        {%- endset -%}
        {%- set clock = 'substr(' ~ name ~ ', 12, least(length(' ~ name ~ ') - 11 - length(' ~ offset ~ '), 15))' -%}
        {# At most six decimals are kept: what is finer is cut off, the same on every engine. #}
        {%- set local = try_timestamp(
            '(substr(' ~ name ~ ", 1, 10) || ' ' || " ~ clock ~ ' || case when length(' ~ clock ~ ") = 5 then ':00' else '' end)"
        ) -%}
        {%- set minutes -%}
            (case when left({{ offset }}, 1) = '-' then 1 else -1 end)
            * (
                cast(substr({{ offset }}, 2, 2) as integer) * 60
                + case when length({{ offset }}) > 3 then cast(right({{ offset }}, 2) as integer) else 0 end
            )
        {%- endset -%}
        {%- set shaped = '(' ~ matches(name, _time_pattern()) ~ ' and left(' ~ name ~ ", 4) <> '0000')" %},
        case
            when {{ is_plain }} then {{ try_timestamp(name) }}
            when not {{ shaped }} then null
            when {{ offset }} in ('Z'{{ ", ''" if zone == "'UTC'" }}) then {{ local }}
            {%- if zone != "'UTC'" %}
            {# A local time that the clocks skipped does not come back from UTC as itself. #}
            when {{ offset }} = '' then
                case when {{ utc_to_local(local_to_utc(local, zone), zone) }} = {{ local }} then {{ local_to_utc(local, zone) }} end
            {%- endif %}
            else {{ add_time(local, minutes, 'minute') }}
        end as {{ name }}__value
        {%- if zone != "'UTC'" %},
        case
            when {{ is_plain }} then false
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
    {%- elif column.type == 'decimal' %},
        case
            when {{ matches(name, '[+-]?[0-9]{1,9}(\\.[0-9]{1,9})?') }} then cast({{ name }} as {{ type_decimal(18, 9) }})
        end as {{ name }}__value
    {%- elif column.type == 'currency' %},
        {{ name }}__known as {{ name }}__value
    {%- else %},
        {{ name }} as {{ name }}__value
    {%- endif -%}
{%- endmacro %}
