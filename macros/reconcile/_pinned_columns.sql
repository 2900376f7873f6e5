{# What a pin keeps of a record: the columns that every ladder's records have, the system among them. #}
{% macro _pinned_columns() -%}
    {{ return([
        'system', 'activity_id', 'version', 'counterparty_id', 'status', 'currency', 'amount_minor', 'event_at', 'business_date', 'received_at', 'batch_id', 'row_number'
    ]) }}
{%- endmacro %}
