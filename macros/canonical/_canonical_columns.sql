{# The canonical record's columns, in their order everywhere. #}
{% macro _canonical_columns() -%}
    {{ return([
        'org_id', 'system', 'entity', 'activity_id', 'version', 'counterparty_id', 'activity_type', 'order_ref', 'payment_ref', 'batch_ref',
        'description', 'status', 'source_status', 'currency', 'exponent', 'amount_minor', 'fee_minor', 'net_minor', 'base_currency',
        'base_amount_minor', 'event_at', 'business_date', 'received_at', 'batch_id', 'row_number', 'content_hash'
    ]) }}
{%- endmacro %}
