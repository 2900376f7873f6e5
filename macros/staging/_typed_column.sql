{# Select-list items that turn one column's pieces into its value; null where the shape is wrong, never an error and never a guess. #}
{% macro _typed_column(declaration, column) -%}
    {%- set name = column.name -%}
    {%- if column.type == 'amount' -%}
        {%- set whole = strip_zeros("split_part(" ~ name ~ "__unsigned, '.', 1)", 'left') -%}
        {%- set fraction = strip_zeros("split_part(" ~ name ~ "__unsigned, '.', 2)", 'right') -%}
        {%- set exponent = column.currency ~ '__exponent' %},
        length({{ fraction }}) > {{ exponent }} as {{ name }}__too_fine,
        length({{ whole }}) + {{ exponent }} > 18 as {{ name }}__too_large,
        case
            when {{ name }}__shaped and length({{ fraction }}) <= {{ exponent }} and length({{ whole }}) + {{ exponent }} <= 18
                then cast(
                    case when left({{ name }}, 1) = '-' then '-0' else '0' end || {{ whole }} || rpad({{ fraction }}, {{ exponent }}, '0') as bigint
                )
        end as {{ name }}__minor
    {%- elif column.type == 'time' -%}
        {%- set zone = _convention(declaration, 'time_zone') -%}
        {%- set clock = 'substr(' ~ name ~ ', 12, least(length(' ~ name ~ ') - 11 - length(' ~ name ~ '__offset), 15))' -%}
        {# At most six decimals are kept: what is finer is cut off, the same on every engine. #}
        {%- set local = try_timestamp(
            'substr(' ~ name ~ ", 1, 10) || ' ' || " ~ clock ~ ' || case when length(' ~ clock ~ ") = 5 then ':00' else '' end"
        ) -%}
        {%- set minutes -%}
            (case when left({{ name }}__offset, 1) = '-' then 1 else -1 end)
            * (
                cast(substr({{ name }}__offset, 2, 2) as integer) * 60
                + case when length({{ name }}__offset) > 3 then cast(right({{ name }}__offset, 2) as integer) else 0 end
            )
        {%- endset %},
        case
            when not {{ name }}__shaped then null
            when {{ name }}__offset in ('Z'{{ ", ''" if zone == "'UTC'" }}) then {{ local }}
            {%- if zone != "'UTC'" %}
            when {{ name }}__offset = '' then {{ local_to_utc(local, zone) }}
            {%- endif %}
            else {{ add_time(local, minutes, 'minute') }}
        end as {{ name }}__utc
        {%- if zone != "'UTC'" %},
        case
            when {{ name }}__shaped and {{ name }}__offset = ''
                then {{ utc_to_local(local_to_utc(local, zone), zone) }} <> {{ local }}
        end as {{ name }}__skipped
        {%- endif %}
    {%- elif column.type == 'date' %},
        case when {{ name }}__shaped then {{ try_date(name) }} end as {{ name }}__value
    {%- elif column.type == 'integer' %},
        case
            when {{ name }}__shaped and length({{ name }}__digits) <= 18
                then cast(case when left({{ name }}, 1) = '-' then '-0' else '0' end || {{ name }}__digits as bigint)
        end as {{ name }}__value
    {%- elif column.type == 'decimal' %},
        case when {{ name }}__shaped then cast({{ name }} as {{ type_decimal(18, 9) }}) end as {{ name }}__value
    {%- endif -%}
{%- endmacro %}
