{{ config(materialized='view') }}
-- Every record that no model could use, whatever stopped it: unreadable lines, values that do not type, policies and rates that contradict each other.
with unreadable_lines as (
    select
        org_id,
        system || '/' || feed as feed,
        source_file,
        received_at,
        batch_id,
        row_number,
        line_number,
        line_span,
        cast(null as {{ type_text() }}) as record_id,
        cast(null as {{ type_text() }}) as column_name,
        raw as value,
        'unreadable_record: ' || reason as reasons
    from {{ source('landing', 'rejects') }}
    where received_at <= {{ as_of() }}
),

contradicting_policies as (
    select
        org_id,
        'tieout/policies' as feed,
        source_file,
        received_at,
        batch_id,
        row_number,
        cast(null as bigint) as line_number,
        cast(null as bigint) as line_span,
        cast(null as {{ type_text() }}) as record_id,
        cast(null as {{ type_text() }}) as column_name,
        coalesce(stream, '') || ' | ' || coalesce(counterparty_id, '') as value,
        reject_reason as reasons
    from {{ ref('policy_statements') }}
    where reject_reason is not null
),

refused_rates as (
    select
        org_id,
        'tieout/fx_rates' as feed,
        source_file,
        received_at,
        batch_id,
        row_number,
        cast(null as bigint) as line_number,
        cast(null as bigint) as line_span,
        cast(null as {{ type_text() }}) as record_id,
        cast(null as {{ type_text() }}) as column_name,
        cast(rate_date as {{ type_text() }}) || ' | ' || from_currency || ' | ' || to_currency || ' | ' || cast(rate as {{ type_text() }}) as value,
        reject_reason as reasons
    from {{ ref('fx_rate_statements') }}
    where reject_reason is not null
),

refused_terms as (
    select
        org_id,
        feed,
        source_file,
        received_at,
        batch_id,
        row_number,
        cast(null as bigint) as line_number,
        cast(null as bigint) as line_span,
        cast(null as {{ type_text() }}) as record_id,
        cast(null as {{ type_text() }}) as column_name,
        term_id as value,
        reject_reason as reasons
    from {{ ref('resolution_terms') }}
    where reject_reason is not null
),
{% for feed in var('feeds') %}
rejected_{{ feed | replace('/', '__') }} as (
    select
        org_id,
        feed,
        source_file,
        received_at,
        batch_id,
        row_number,
        cast(null as bigint) as line_number,
        cast(null as bigint) as line_span,
        record_id,
        column_name,
        value,
        reasons
    from {{ ref('rejected_' ~ feed | replace('/', '__')) }}
),
{% endfor %}
unusable_records as (
    select * from unreadable_lines
    union all
    select * from contradicting_policies
    union all
    select * from refused_rates
    union all
    select * from refused_terms
    {%- for feed in var('feeds') %}
    union all
    select * from rejected_{{ feed | replace('/', '__') }}
    {%- endfor %}
)

select
    org_id,
    feed,
    source_file,
    row_number,
    line_number,
    line_span,
    record_id,
    column_name,
    value,
    reasons,
    received_at,
    batch_id
from unusable_records
