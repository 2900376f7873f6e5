{{ config(materialized='view') }}
-- The entry that each difference written off by a rule asks for. Tieout books nothing: whoever keeps the ledger does.
with written_off as (
    select *
    from {{ ref('exception_log') }}
    where event = 'AUTO_WRITTEN_OFF'
),

proposed_entries as (
    select
        written_off.org_id,
        written_off.exception_id,
        written_off.stream,
        written_off.counterparty_id,
        written_off.business_date,
        written_off.event_at as proposed_at,
        written_off.currency,
        written_off.amount_minor,
        -- the source is what was to come in: where the target has less, that is a loss
        cast(case when written_off.signed_minor < 0 then 'clearing' else 'reconciliation differences' end as {{ type_text() }}) as debit_account,
        cast(case when written_off.signed_minor < 0 then 'reconciliation differences' else 'clearing' end as {{ type_text() }}) as credit_account,
        written_off.title || ': ' || coalesce(written_off.source_activity_id, '') || ' / ' || coalesce(written_off.target_activity_id, '') as memo,
        written_off.rule_id,
        written_off.strategy,
        written_off.strategy = 'AUTO_FLAG' as is_flagged,
        -- a correction, another amount, or somebody who takes it up again makes the entry void
        coalesce(
            exceptions.resolution = 'WRITTEN_OFF'
            and exceptions.closed_at = written_off.event_at
            and found.amount_minor = written_off.amount_minor
            and found.signed_minor = written_off.signed_minor,
            false
        ) as is_needed
    from written_off
    inner join {{ ref('exceptions') }} as exceptions
        on written_off.exception_id = exceptions.exception_id
    left join {{ ref('current_exceptions') }} as found
        on written_off.exception_id = found.exception_id
)

select *
from proposed_entries
