{# MD5 over a canonical record's business content: what two copies of one version must agree in to be the same. `attributes` are further expressions of it. #}
{% macro _content_hash(relation, attributes=[]) -%}
    md5({{ joined_text([
        relation ~ '.counterparty_id', relation ~ '.activity_type', relation ~ '.order_ref', relation ~ '.payment_ref', relation ~ '.batch_ref',
        relation ~ '.description', relation ~ '.source_status', relation ~ '.currency', relation ~ '.amount_minor', relation ~ '.fee_minor',
        relation ~ '.net_minor', epoch_microseconds(relation ~ '.event_at')
    ] + attributes) }})
{%- endmacro %}
