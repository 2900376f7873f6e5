{# The hash of one result row over its business columns, in the order that docs/architecture.md gives; `columns` maps each name to its expression. #}
{% macro _results_row_hash(columns) -%}
    {%- set names = [
        'org_id', 'stream', 'step', 'result', 'anomalies', 'source_system', 'source_activity_id', 'target_system', 'target_activity_id',
        'counterparty_id', 'business_date', 'source_currency', 'target_currency', 'source_amount_minor', 'target_amount_minor',
        'difference_minor', 'source_status', 'target_status', 'skew_microseconds'
    ] -%}
    {%- set expressions = [] -%}
    {%- for name in names -%}{%- do expressions.append(columns.get(name, name)) -%}{%- endfor -%}
    {{ return(hash_60(joined_text(expressions))) }}
{%- endmacro %}
