{#
    Query of the live records of a canonical model: those that are not superseded, surplus, delivered again or in conflict.

    records: the canonical model, '<system>_<entity>', beside which stands `<records>__dispositions`. columns: what to keep of them.
    stream: keeps only records of the orgs that this stream serves.
#}
{% macro live_records(records, columns, stream=none) -%}
    select
        {%- for column in columns %}
        records.{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref(records) }} as records
    left join {{ ref(records ~ '__dispositions') }} as settled
        on records.batch_id = settled.batch_id and records.row_number = settled.row_number
    where settled.batch_id is null{{ of_orgs(stream, 'records.org_id') if stream }}
{%- endmacro %}
