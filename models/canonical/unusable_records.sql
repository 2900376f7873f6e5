{{ config(materialized='view') }}
{#- Statements that type and cannot count all the same: what a person recognises one by. -#}
{%- set refused = [
    {'model': 'policy_statements', 'feed': "'tieout/policies'", 'value': "coalesce(stream, '') || ' | ' || coalesce(counterparty_id, '')"},
    {
        'model': 'fx_rate_statements', 'feed': "'tieout/fx_rates'",
        'value': "cast(rate_date as " ~ type_text() ~ ") || ' | ' || from_currency || ' | ' || to_currency || ' | ' || cast(rate as " ~ type_text() ~ ")"
    },
    {'model': 'resolution_terms', 'feed': 'feed', 'value': 'term_id'},
] %}
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

{% for statements in refused %}
refused_{{ statements.model }} as (
    select
        org_id,
        {{ statements.feed }} as feed,
        source_file,
        received_at,
        batch_id,
        row_number,
        cast(null as bigint) as line_number,
        cast(null as bigint) as line_span,
        cast(null as {{ type_text() }}) as record_id,
        cast(null as {{ type_text() }}) as column_name,
        {{ statements.value }} as value,
        reject_reason as reasons
    from {{ ref(statements.model) }}
    where reject_reason is not null
),
{% endfor %}
{%- for feed in var('feeds') %}
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
    {%- for statements in refused %}
    select * from refused_{{ statements.model }}
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
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
