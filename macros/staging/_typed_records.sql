{#
    CTEs that type a feed's landed records: from `landed_records`, which must stand before them, to `typed`, one row a record, valid or not. A declared column `c`
    stands there as its text `c` (trimmed, null for nothing) and its value `c__value`; the kind of movement that the record is, where the feed tells it, as
    `kind__value`. No value is cast before its text has been found to have the right shape; `c__moment` is what the engine makes of a time's text as it was
    delivered, and counts only where that is plain.
#}
{% macro _typed_records(feed, declaration) -%}
    {%- set columns = declaration.columns -%}
    {%- set currency_columns = columns | selectattr('type', 'equalto', 'currency') | map(attribute='name') | list -%}
looked_at as (
    select
        landed_records._org_id as org_id,
        landed_records._batch_id as batch_id,
        landed_records._source_file as source_file,
        landed_records._received_at as received_at,
        landed_records._row_number as row_number
        {%- for column in columns %},
        landed_records.{{ column.name }}
        {%- if column.type == 'time' %},
        {{ try_timestamp('landed_records.' ~ column.name) }} as {{ column.name }}__moment
        {%- endif %}
        {%- endfor %}
    from landed_records
),

recognised as (
    select
        looked_at.*
        {%- for column in columns %},
        {{ _is_plain(declaration, column) }} as {{ column.name }}__is_plain
        {%- endfor %}
    from looked_at
),

parsed as (
    select
        org_id,
        batch_id,
        source_file,
        received_at,
        row_number
        {%- for column in columns %},
        {{ column.name }}__is_plain,
        {%- if column.type == 'time' %}
        {{ column.name }}__moment,
        {%- endif %}
        {{ _parsed_column(column) }}
        {%- endfor %}
    from recognised
),
{{- _prepared_records(declaration) }}

with_currencies as (
    select
        parsed.*
        {%- for name in currency_columns %},
        currency_of_{{ name }}.currency as {{ name }}__known,
        currency_of_{{ name }}.exponent as {{ name }}__exponent
        {%- endfor %}
    from {{ _prepared(declaration) }}
    {%- for name in currency_columns %}
    left join {{ ref('currencies') }} as currency_of_{{ name }}
        on {{ ascii_upper('parsed.' ~ name) }} = currency_of_{{ name }}.currency
    {%- endfor %}
),
{{- _kinds_of_records(feed, declaration) }}
{{- _timed_records(declaration) }}

typed as (
    select
        with_currencies.*
        {%- for column in columns %}
        {{- _typed_column(declaration=declaration, column=column) }}
        {%- endfor %}
    from {{ _with_times(declaration) }}
)
{%- endmacro %}
