{{ config(materialized='view') }}
-- What every stream says of every record: its match, its lack of one, or that it is a copy too many. Steps keep the rows; this view names them.
{%- set columns = [
    'result_id', 'org_id', 'stream', 'ladder', 'step', 'result', 'anomalies', 'source_system', 'source_activity_id', 'target_system',
    'target_activity_id', 'counterparty_id', 'business_date', 'source_currency', 'target_currency', 'source_amount_minor', 'target_amount_minor',
    'difference_minor', 'source_status', 'target_status', 'skew_microseconds', 'reason', 'is_late', 'late_by_seconds', 'copy_ordinal',
    'is_conflicting', 'source_event_at', 'target_event_at', 'last_received_at', 'due_at', 'price_abs_minor', 'price_pct', 'skew_seconds', 'grace_minutes',
    'rule_version', 'source_batch_id', 'source_row_number', 'target_batch_id', 'target_row_number', 'rejected_batch_id',
    'rejected_row_number', 'member_count'
] + _evidence_columns() + ['base_difference_minor', 'row_hash'] %}
{%- set types = {
    'business_date': 'date', 'is_late': 'boolean', 'is_conflicting': 'boolean', 'copy_ordinal': 'integer', 'member_count': 'integer', 'source_event_at': 'timestamp',
    'target_event_at': 'timestamp', 'last_received_at': 'timestamp', 'due_at': 'timestamp', 'price_pct': type_decimal(18, 9), 'source_amount_minor': 'bigint',
    'target_amount_minor': 'bigint', 'difference_minor': 'bigint', 'skew_microseconds': 'bigint', 'late_by_seconds': 'bigint',
    'price_abs_minor': 'bigint', 'skew_seconds': 'bigint', 'grace_minutes': 'bigint', 'source_row_number': 'bigint',
    'target_row_number': 'bigint', 'rejected_row_number': 'bigint', 'row_hash': 'bigint', 'source_base_minor': 'bigint', 'target_base_minor': 'bigint', 'base_difference_minor': 'bigint',
    'source_rate_date': 'date', 'target_rate_date': 'date'
} %}
with reconciliation_results as (
    {%- for stream, declared in var('streams').items() %}
    {%- set outer = loop %}
    {%- for ladder in declared.ladders %}
    {{ results_of_ladder(ladder) }}
    union all
    {{ pinned_results(ladder) }}
    {#- A side that several ladders of a stream share has its copies once. -#}
    {%- for role in ['source', 'target'] if _owns_copies(ladder, role) %}
    union all
    {{ surplus_of_side(ladder, role) }}
    {%- endfor %}
    {{- '\n    union all' if not (loop.last and outer.last) }}
    {%- endfor %}
    {%- endfor %}
)

select
    {%- for column in columns %}
    cast({{ column }} as {{ types.get(column, type_text()) }}) as {{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
from reconciliation_results
