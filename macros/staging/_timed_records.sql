{#
    CTEs before `typed` that pull the texts of times apart which are not plain: whether a text has the shape (`c__is_shaped`), its offset (`c__offset`, '' for none) and
    the clock that it tells, as it stands there (`c__local`). Worked out once a row, and in so many words: pulled apart where it is read, a time's text would stand in
    the query a hundred times. None for feeds without times.
#}
{% macro _timed_records(declaration) -%}
    {%- set times = declaration.columns | selectattr('type', 'equalto', 'time') | list -%}
    {%- if times %}

timed as (
    select
        with_currencies.*
        {%- for column in times %}
        {%- set name = column.name %}
        {%- set settled = _is_settled(declaration, column) %},
        case when {{ settled }} then false else {{ matches(name, _time_pattern()) }} and left({{ name }}, 4) <> '0000' end as {{ name }}__is_shaped,
        case
            when {{ settled }} then ''
            when right({{ name }}, 1) = 'Z' then 'Z'
            when position('+' in substr({{ name }}, 17)) > 0 then substr({{ name }}, 16 + position('+' in substr({{ name }}, 17)))
            when position('-' in substr({{ name }}, 17)) > 0 then substr({{ name }}, 16 + position('-' in substr({{ name }}, 17)))
            else ''
        end as {{ name }}__offset
        {%- endfor %}
    from {{ _with_kinds(declaration) }}
    {{ fence() }}
),

placed as (
    select
        timed.*
        {%- for column in times %}
        {%- set name = column.name %}
        {%- set clock = 'substr(' ~ name ~ ', 12, least(length(' ~ name ~ ') - 11 - length(' ~ name ~ '__offset), 15))' %},
        {# At most six decimals are kept: what is finer is cut off, the same on every engine. #}
        case
            when {{ name }}__is_shaped
                then {{ try_timestamp('(substr(' ~ name ~ ", 1, 10) || ' ' || " ~ clock ~ ' || case when length(' ~ clock ~ ") = 5 then ':00' else '' end)") }}
        end as {{ name }}__local
        {%- endfor %}
    from timed
    {{ fence() }}
),
    {%- endif -%}
{%- endmacro %}

{# The relation that what is typed is read from, under the name that the typing knows. #}
{% macro _with_times(declaration) -%}
    {{ return('placed as with_currencies' if declaration.columns | selectattr('type', 'equalto', 'time') | list else _with_kinds(declaration)) }}
{%- endmacro %}

{# Whether a time's text is plain and says all: then nothing has to be pulled apart. #}
{% macro _is_settled(declaration, column) -%}
    {%- set is_plain = column.name ~ '__is_plain' -%}
    {{ return(is_plain if _zone(declaration, column) == "'UTC'" else '(' ~ is_plain ~ ' and not ' ~ _at_edge(column.name) ~ ')') }}
{%- endmacro %}

{# Only on these days can an offset lead out of the years 0001 to 9999; no clock has ever been put forward on one. #}
{% macro _at_edge(name) -%}
    {{ return('left(' ~ name ~ ", 10) in ('0001-01-01', '9999-12-31')") }}
{%- endmacro %}
