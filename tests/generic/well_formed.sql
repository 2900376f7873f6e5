{#
    What a small table promises of its rows, in one query: one row a key, nothing missing, no unknown code, no number out of range. Not meant for tables of
    millions of rows; the laws hold those.

    key:      columns that identify a row; two nulls are equal. [] for a table of exactly one row.
    required: columns that are never null. Default [].
    codes:    column -> the values that it may have; null passes, `required` says whether it may. Default {}.
    maxima:   column of numbers -> the largest that it may have; none may be negative. Default {}.

    Returns one row a fault: what it is, an example, and how many rows have it.
#}
{% test well_formed(model, key, required=[], codes={}, maxima={}) %}
{%- if key %}
select
    'more than one row for one {{ key | join(', ') }}' as fault,
    concat_ws(' | ' {%- for column in key %}, coalesce(cast({{ column }} as {{ type_text() }}), '(null)'){% endfor %}) as example,
    count(*) as row_count
from {{ model }}
group by {{ key | join(', ') }}
having count(*) > 1
{%- else %}
select
    'not exactly one row' as fault,
    cast(null as {{ type_text() }}) as example,
    count(*) as row_count
from {{ model }}
having count(*) <> 1
{%- endif %}
{%- for column in required %}
union all
select
    '{{ column }} is null' as fault,
    cast(null as {{ type_text() }}) as example,
    count(*) as row_count
from {{ model }}
where {{ column }} is null
having count(*) > 0
{%- endfor %}
{%- for column, values in codes.items() %}
union all
select
    '{{ column }} is none of {{ values | join(', ') }}' as fault,
    cast({{ column }} as {{ type_text() }}) as example,
    count(*) as row_count
from {{ model }}
where {{ column }} is not null and {{ column }} not in ('{{ values | join("', '") }}')
group by {{ column }}
{%- endfor %}
{%- for column, maximum in maxima.items() %}
union all
select
    '{{ column }} is not between 0 and {{ maximum }}' as fault,
    cast({{ column }} as {{ type_text() }}) as example,
    count(*) as row_count
from {{ model }}
where {{ column }} < 0 or {{ column }} > {{ maximum }}
group by {{ column }}
{%- endfor %}
{% endtest %}
