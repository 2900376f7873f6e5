{#
    Query of a ladder's results in the columns of `marts.reconciliation_results`: the matches and ambiguous records of its steps, and the verdicts on what all of
    them left.

    ladder: name of a ladder in the registry.
#}
{% macro results_of_ladder(ladder) -%}
    {%- set declared = _ladder(ladder) -%}
    {%- set prefix = "org_id || '/" ~ declared.stream ~ "/" ~ (ladder ~ '/' if ladder != declared.stream else '') ~ "'" -%}
    {%- for step in declared.steps %}
    {%- set on = _step_keys(ladder, step) %}
    {%- set many = _step_many(ladder, step) %}
    {%- set nets = _step_meta(ladder, step, 'nets') %}
    {%- set target = {} %}
    {%- for column in ['system', 'activity_id', 'currency', 'amount_minor'] %}{% do target.update({column: _held_column('step_rows', 'target', column, on)}) %}{% endfor %}
    select
        case
            when is_conflicting
                then {{ prefix }} || case when side = 'SOURCE' then 'source' else 'target' end || '-conflict-'
                    || coalesce(source_batch_id, target_batch_id) || '-' || cast(coalesce(source_row_number, target_row_number) as {{ type_text() }})
                    || '/' || coalesce(source_activity_id, target_activity_id)
            {%- if many %}
            when outcome = 'GROUP'
                then {{ prefix }} || 'group/' || {{ _named_id(declared, 'target' if many == 'source' else 'source') }}
            {%- endif %}
            when side = 'TARGET' then {{ prefix }} || 'target/' || {{ _named_id(declared, 'target') }}
            else {{ prefix }} || 'source/' || {{ _named_id(declared, 'source') }}
        end as result_id,
        org_id,
        '{{ declared.stream }}' as stream,
        '{{ ladder }}' as ladder,
        '{{ step }}' as step,
        case{{ " when outcome = 'NETTED' then 'EXCLUDED'" if nets }} when outcome = 'AMBIGUOUS' then 'AMBIGUOUS' when anomalies = '' then 'MATCHED' else 'MISMATCHED' end as result,
        anomalies,
        {{ _system_of(declared, 'source') }} as source_system,
        source_activity_id,
        {{ target.system if declared.target.system is none or declared.source.system is none else _system_of(declared, 'target') }} as target_system,
        {{ target.activity_id }} as target_activity_id,
        coalesce(source_counterparty_id, target_counterparty_id) as counterparty_id,
        coalesce(source_business_date, target_business_date) as business_date,
        source_currency,
        {{ target.currency }} as target_currency,
        source_amount_minor,
        {{ target.amount_minor }} as target_amount_minor,
        case when source_currency = {{ target.currency }} then source_amount_minor - {{ target.amount_minor }} end as difference_minor,
        source_status,
        target_status,
        {{ epoch_microseconds('target_event_at') }} - {{ epoch_microseconds('source_event_at') }} as skew_microseconds,
        {{ text_literal(none) if not nets else "case when outcome = 'NETTED' then 'REVERSED' end" }} as reason,
        is_late,
        late_by_seconds,
        cast(null as integer) as copy_ordinal,
        is_conflicting,
        source_event_at,
        target_event_at,
        greatest(coalesce(source_received_at, target_received_at), coalesce(target_received_at, source_received_at)) as last_received_at,
        cast(null as timestamp) as due_at,
        price_abs_minor,
        price_pct,
        skew_seconds,
        grace_minutes,
        rule_version,
        source_batch_id,
        source_row_number,
        target_batch_id,
        target_row_number,
        rejected_batch_id,
        rejected_row_number,
        {{ 'member_count' if many else 'cast(null as integer) as member_count' }},
        {%- for column in _evidence_columns() %}
        {{ column }},
        {%- endfor %}
        source_base_minor - target_base_minor as base_difference_minor,
        row_hash
    from {{ ref(ladder ~ '__' ~ step) }} as step_rows
    where {{ "outcome not in ('LEFT', 'MEMBER')" if many else "outcome <> 'LEFT'" }}
    union all
    {%- endfor %}
    select
        {{ prefix }} || lower(side) || '/' || {{ "system || '/' || activity_id" if 'system' in _record_columns(declared) else 'activity_id' }} as result_id,
        org_id,
        '{{ declared.stream }}' as stream,
        '{{ ladder }}' as ladder,
        'unmatched' as step,
        result,
        anomalies,
        {%- for role in ['source', 'target'] %}
        case when side = '{{ role | upper }}' then system end as {{ role }}_system,
        case when side = '{{ role | upper }}' then activity_id end as {{ role }}_activity_id,
        {%- endfor %}
        counterparty_id,
        business_date,
        case when side = 'SOURCE' then currency end as source_currency,
        case when side = 'TARGET' then currency end as target_currency,
        case when side = 'SOURCE' then amount_minor end as source_amount_minor,
        case when side = 'TARGET' then amount_minor end as target_amount_minor,
        cast(null as bigint) as difference_minor,
        case when side = 'SOURCE' then status end as source_status,
        case when side = 'TARGET' then status end as target_status,
        cast(null as bigint) as skew_microseconds,
        reason,
        false as is_late,
        cast(null as bigint) as late_by_seconds,
        cast(null as integer) as copy_ordinal,
        false as is_conflicting,
        case when side = 'SOURCE' then event_at end as source_event_at,
        case when side = 'TARGET' then event_at end as target_event_at,
        received_at as last_received_at,
        due_at,
        price_abs_minor,
        price_pct,
        skew_seconds,
        grace_minutes,
        rule_version,
        case when side = 'SOURCE' then batch_id end as source_batch_id,
        case when side = 'SOURCE' then row_number end as source_row_number,
        case when side = 'TARGET' then batch_id end as target_batch_id,
        case when side = 'TARGET' then row_number end as target_row_number,
        rejected_batch_id,
        rejected_row_number,
        cast(null as integer) as member_count,
        {{- _no_evidence() }}
        row_hash
    {%- set unmatched_columns = ['org_id', 'side', 'system'] + (_record_columns(declared) | reject('equalto', 'system') | list) + [
        'result', 'anomalies', 'reason', 'due_at', 'price_abs_minor', 'price_pct', 'skew_seconds', 'grace_minutes', 'rule_version', 'rejected_batch_id',
        'rejected_row_number', 'row_hash'
    ] %}
    {%- if declared.hourly_window is none %}
    from {{ ref(ladder ~ '__unmatched') }}
    {%- else %}
    from (
        select
            {{ unmatched_columns | join(',\n            ') }}
        from {{ ref(ladder ~ '__unmatched') }}
        union all
        {{ _held_records(declared) }}
    ) as left_records
    {%- endif %}
{%- endmacro %}

{# A record's id as it stands in a result's: with its system in front where a ladder has records of several. #}
{% macro _named_id(ladder, role) -%}
    {{ return((role ~ "_system || '/' || " if 'system' in _record_columns(ladder) else '') ~ role ~ '_activity_id') }}
{%- endmacro %}
