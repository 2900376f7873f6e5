{#
    Query of the surplus copies of one side of a ladder in the columns of `marts.reconciliation_results`: each a DUPLICATE with the anomaly DUPLICATE_<SYSTEM>.

    ladder: name of a ladder in the registry; role: 'source' or 'target'.
#}
{% macro surplus_of_side(ladder, role) -%}
    {%- set declared = _ladder(ladder) -%}
    {%- set side = declared[role] -%}
    {%- set system = "'" ~ side.system ~ "'" if side.system else 'system' -%}
    {%- set code = "'DUPLICATE_" ~ side.code ~ "'" if side.system else "'DUPLICATE_' || " ~ ascii_upper('system') -%}
    {%- set rule_version = "substr(md5('" ~ local_md5(_rule_text(declared, 'duplicates')) ~ "'), 1, 12)" -%}
    select
        org_id || '/{{ declared.stream }}/{{ ladder ~ '/' if ladder != declared.stream else '' }}{{ role }}-copy-' || cast(ordinal as {{ type_text() }}) || '-' || batch_id
        || '-' || cast(row_number as {{ type_text() }}) || '/' || activity_id as result_id,
        org_id,
        '{{ declared.stream }}' as stream,
        '{{ ladder }}' as ladder,
        'duplicates' as step,
        'DUPLICATE' as result,
        {{ code }} as anomalies,
        {%- for each in ['source', 'target'] %}
        {{ system if each == role else text_literal(none) }} as {{ each }}_system,
        {{ 'activity_id' if each == role else text_literal(none) }} as {{ each }}_activity_id,
        {%- endfor %}
        counterparty_id,
        business_date,
        {{ 'currency' if role == 'source' else text_literal(none) }} as source_currency,
        {{ 'currency' if role == 'target' else text_literal(none) }} as target_currency,
        {{ 'amount_minor' if role == 'source' else 'cast(null as bigint)' }} as source_amount_minor,
        {{ 'amount_minor' if role == 'target' else 'cast(null as bigint)' }} as target_amount_minor,
        cast(null as bigint) as difference_minor,
        {{ 'status' if role == 'source' else text_literal(none) }} as source_status,
        {{ 'status' if role == 'target' else text_literal(none) }} as target_status,
        cast(null as bigint) as skew_microseconds,
        {{ text_literal(none) }} as reason,
        false as is_late,
        cast(null as bigint) as late_by_seconds,
        ordinal as copy_ordinal,
        false as is_conflicting,
        {{ 'event_at' if role == 'source' else 'cast(null as timestamp)' }} as source_event_at,
        {{ 'event_at' if role == 'target' else 'cast(null as timestamp)' }} as target_event_at,
        received_at as last_received_at,
        cast(null as timestamp) as due_at,
        cast(null as bigint) as price_abs_minor,
        cast(null as {{ type_decimal(18, 9) }}) as price_pct,
        cast(null as bigint) as skew_seconds,
        cast(null as bigint) as grace_minutes,
        {{ rule_version }} as rule_version,
        {{ 'batch_id' if role == 'source' else text_literal(none) }} as source_batch_id,
        {{ 'row_number' if role == 'source' else 'cast(null as bigint)' }} as source_row_number,
        {{ 'batch_id' if role == 'target' else text_literal(none) }} as target_batch_id,
        {{ 'row_number' if role == 'target' else 'cast(null as bigint)' }} as target_row_number,
        {{ text_literal(none) }} as rejected_batch_id,
        cast(null as bigint) as rejected_row_number,
        cast(null as integer) as member_count,
        {{- _no_evidence() }}
        {{ _results_row_hash({
            'stream': "'" ~ declared.stream ~ "'",
            'step': "'duplicates'",
            'result': "'DUPLICATE'",
            'anomalies': code,
            'source_system': system if role == 'source' else 'null',
            'source_activity_id': "activity_id || '#' || cast(ordinal as " ~ type_text() ~ ")" if role == 'source' else 'null',
            'target_system': system if role == 'target' else 'null',
            'target_activity_id': "activity_id || '#' || cast(ordinal as " ~ type_text() ~ ")" if role == 'target' else 'null',
            'source_currency': 'currency' if role == 'source' else 'null',
            'target_currency': 'currency' if role == 'target' else 'null',
            'source_amount_minor': 'amount_minor' if role == 'source' else 'null',
            'target_amount_minor': 'amount_minor' if role == 'target' else 'null',
            'difference_minor': 'null',
            'source_status': 'status' if role == 'source' else 'null',
            'target_status': 'status' if role == 'target' else 'null',
            'skew_microseconds': 'null'
        }) }} as row_hash
    from {{ ref(side.settled) }}
    where disposition = 'SURPLUS'{{ of_orgs(declared.stream, 'org_id') }}
{%- endmacro %}

{#
    Whether the surplus copies of a ladder's side are told with this ladder: a side that several ladders of a stream share has its copies once, with the first that
    takes it whole.
#}
{% macro _owns_copies(ladder, role) -%}
    {%- set declared = _ladder(ladder) -%}
    {%- set side = declared[role] -%}
    {%- if side.consumer != 'canonical.' ~ side.settled -%}{{ return(false) }}{%- endif -%}
    {%- for name in _streams()[declared.stream].ladders -%}
        {%- for each in ['source', 'target'] -%}
            {%- if _ladder(name)[each].spec == side.spec -%}{{ return(name == ladder and each == role) }}{%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}
