{{ config(
    materialized='table',
    post_hook="{{ mark_processed(consumer='canonical.fx_rate_statements', upstream=[['staging.stg_tieout__fx_rates']]) }}"
) }}
-- What orgs said of exchange rates, statement by statement, and which of it counts.
with staged as (
    select
        rates.org_id,
        rates.date as rate_date,
        rates.from_currency,
        rates.to_currency,
        rates.rate,
        rates.source as rate_source,
        batches.source_file,
        rates.received_at,
        rates.batch_id,
        rates.row_number,
        {{ joined_text(['rates.org_id', 'rates.from_currency', 'rates.to_currency', 'rates.date']) | indent(8) }} as pair_and_date,
        {{ joined_text(['rates.rate', 'rates.source']) | indent(8) }} as content
    from {{ ref('stg_tieout__fx_rates') }} as rates
    inner join {{ source('landing', 'batches') }} as batches
        on rates.batch_id = batches.batch_id
    where rates.is_valid
),

judged as (
    select
        staged.*,
        case
            when rate <= 0 then 'rate: not_above_zero'
            when from_currency = to_currency and rate <> 1 then 'rate: a_currency_is_worth_itself'
            when {{ _contradicts(about='pair_and_date', content='content') }} then 'contradicts_another_row_received_together'
        end as reject_reason
    from staged
),

fx_rate_statements as (
    select
        org_id,
        rate_date,
        from_currency,
        to_currency,
        rate,
        rate_source,
        source_file,
        received_at,
        batch_id,
        row_number,
        reject_reason,
        {{ _counts(about='pair_and_date') }} as is_effective
    from judged
)

select *
from fx_rate_statements
