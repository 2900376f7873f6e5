{#
    Query of the records of a ladder that people have pinned, in the columns of `marts.reconciliation_results`: a pair matched by hand is MATCHED, whatever its checks
    would say, with reason FORCE_MATCHED; a record taken out is EXCLUDED with reason EXCLUDED_BY_HAND.

    ladder: name of a ladder in the registry.
#}
{% macro pinned_results(ladder) -%}
    {%- set declared = _ladder(ladder) -%}
    {%- set prefix = "org_id || '/" ~ declared.stream ~ "/" ~ (ladder ~ '/' if ladder != declared.stream else '') ~ "'" -%}
    {%- set rule_version = "substr(md5('" ~ local_md5(_rule_text(declared, 'pinned')) ~ "'), 1, 12)" -%}
    {%- for side in ['source', 'target'] %}
    {#- A pair is one row, told from its source; an exclusion is one row a record. #}
    {%- set other = 'target' if side == 'source' else 'source' %}
    select
        {{ prefix }} || '{{ side }}/' || {{ _named_id(declared, side) }} as result_id,
        org_id,
        '{{ declared.stream }}' as stream,
        '{{ ladder }}' as ladder,
        'pinned' as step,
        case action when 'FORCE_MATCH' then 'MATCHED' else 'EXCLUDED' end as result,
        '' as anomalies,
        {%- for role in ['source', 'target'] %}
        {%- for column in ['system', 'activity_id'] %}
        {{ _of_pin(role, column, side) }} as {{ role }}_{{ column }},
        {%- endfor %}
        {%- endfor %}
        {{ side }}_counterparty_id as counterparty_id,
        {{ side }}_business_date as business_date,
        {%- for column in ['currency', 'amount_minor'] %}
        {%- for role in ['source', 'target'] %}
        {{ _of_pin(role, column, side) }} as {{ role }}_{{ column }},
        {%- endfor %}
        {%- endfor %}
        case when action = 'FORCE_MATCH' and source_currency = target_currency then source_amount_minor - target_amount_minor end as difference_minor,
        {%- for role in ['source', 'target'] %}
        {{ _of_pin(role, 'status', side) }} as {{ role }}_status,
        {%- endfor %}
        case when action = 'FORCE_MATCH' then {{ epoch_microseconds('target_event_at') }} - {{ epoch_microseconds('source_event_at') }} end as skew_microseconds,
        case action when 'FORCE_MATCH' then 'FORCE_MATCHED' else 'EXCLUDED_BY_HAND' end as reason,
        false as is_late,
        cast(null as bigint) as late_by_seconds,
        cast(null as integer) as copy_ordinal,
        false as is_conflicting,
        {%- for role in ['source', 'target'] %}
        {{ _of_pin(role, 'event_at', side) }} as {{ role }}_event_at,
        {%- endfor %}
        {{ side }}_received_at as last_received_at,
        cast(null as timestamp) as due_at,
        cast(null as bigint) as price_abs_minor,
        cast(null as {{ type_decimal(18, 9) }}) as price_pct,
        cast(null as bigint) as skew_seconds,
        cast(null as bigint) as grace_minutes,
        {{ rule_version }} as rule_version,
        {%- for role in ['source', 'target'] %}
        {{ _of_pin(role, 'batch_id', side) }} as {{ role }}_batch_id,
        {{ _of_pin(role, 'row_number', side) }} as {{ role }}_row_number,
        {%- endfor %}
        {{ text_literal(none) }} as rejected_batch_id,
        cast(null as bigint) as rejected_row_number,
        cast(null as integer) as member_count,
        {{- _no_evidence() }}
        {{ _results_row_hash({
            'stream': "'" ~ declared.stream ~ "'",
            'step': "'pinned'",
            'result': "case action when 'FORCE_MATCH' then 'MATCHED' else 'EXCLUDED' end",
            'anomalies': "''",
            'counterparty_id': side ~ '_counterparty_id',
            'business_date': side ~ '_business_date',
            'source_system': _of_pin('source', 'system', side), 'source_activity_id': _of_pin('source', 'activity_id', side),
            'target_system': _of_pin('target', 'system', side), 'target_activity_id': _of_pin('target', 'activity_id', side),
            'source_currency': _of_pin('source', 'currency', side), 'target_currency': _of_pin('target', 'currency', side),
            'source_amount_minor': _of_pin('source', 'amount_minor', side), 'target_amount_minor': _of_pin('target', 'amount_minor', side),
            'source_status': _of_pin('source', 'status', side), 'target_status': _of_pin('target', 'status', side),
            'difference_minor': "case when action = 'FORCE_MATCH' and source_currency = target_currency then source_amount_minor - target_amount_minor end",
            'skew_microseconds': "case when action = 'FORCE_MATCH' then " ~ epoch_microseconds('target_event_at') ~ ' - ' ~ epoch_microseconds('source_event_at') ~ ' end'
        }) }} as row_hash
    from {{ ref('pins') }}
    where
        ladder = '{{ ladder }}'
        and is_in_force
        and {{ side }}_batch_id is not null
        {{ "and action = 'EXCLUDE'" if side == 'target' }}
    {{- '\n    union all' if side == 'source' }}
    {%- endfor %}
{%- endmacro %}

{# A pin's column of one side, in the row that is told from `side`: an exclusion's row has nothing of the other side. #}
{% macro _of_pin(role, column, side) -%}
    {{ return(role ~ '_' ~ column if role == side else "case when action = 'FORCE_MATCH' then " ~ role ~ '_' ~ column ~ ' end') }}
{%- endmacro %}
