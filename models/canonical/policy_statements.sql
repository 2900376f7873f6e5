{{ config(materialized='table') }}
-- What orgs said of their policies, statement by statement, and which of it counts.
with staged as (
    select
        policies.org_id,
        policies.stream,
        policies.counterparty_id,
        coalesce(policies.valid_from, date '0001-01-01') as valid_from,
        {%- for field in policy_fields() %}
        {{ ascii_upper('policies.' ~ field) ~ ' as ' ~ field if field in ['price_basis', 'fx_pivot', 'mode'] else 'policies.' ~ field }},
        {%- endfor %}
        batches.source_file,
        policies.received_at,
        policies.batch_id,
        policies.row_number
    from {{ ref('stg_tieout__policies') }} as policies
    inner join {{ source('landing', 'batches') }} as batches
        on policies.batch_id = batches.batch_id
    where policies.is_valid
),

compared as (
    select
        staged.*,
        {{ joined_text(['org_id', 'stream', 'counterparty_id', 'valid_from']) | indent(8) }} as scope_and_date,
        {{ joined_text(policy_fields()) | indent(8) }} as content
    from staged
),

judged as (
    select
        compared.*,
        case
            when counterparty_id is not null and stream is null then 'counterparty_id: counterparty_without_stream'
            when
                stream is not null
                and stream not in ('{{ var('streams') | join("', '") }}')
                then 'stream: unknown_stream'
            {{- _unserved('stream', 'org_id') | indent(12) }}
            when price_basis not in ('RECORD', 'BASE') then 'price_basis: not_record_or_base'
            when mode not in ('HOURLY', 'DAILY') then 'mode: not_hourly_or_daily'
            when fx_pivot <> 'NONE' and pivots.currency is null then 'fx_pivot: unknown_currency'
            when {{ _contradicts(about='scope_and_date', content='content') }} then 'contradicts_another_row_received_together'
        end as reject_reason
    from compared
    left join {{ ref('currencies') }} as pivots
        on compared.fx_pivot = pivots.currency
),

policy_statements as (
    select
        org_id,
        stream,
        counterparty_id,
        valid_from,
        {%- for field in policy_fields() %}
        {{ field }},
        {%- endfor %}
        source_file,
        received_at,
        batch_id,
        row_number,
        reject_reason,
        {{ _counts(about='scope_and_date') }} as is_effective
    from judged
)

select *
from policy_statements
