{{ config(materialized='view') }}
-- The life of every exception, event by event: what runs found and what people decided, with the state after each.
with histories as (
    select
        org_id,
        exception_id,
        cast(event_number as integer) as event_number,
        event_at,
        decided_at,
        action,
        actor,
        reason,
        assignee,
        amount_minor,
        refusal,
        state,
        resolution,
        owner
    from {{ ref('exception_timeline') }}
    union all
    -- neither people nor a rule have decided about these: their log is their life
    select
        log.org_id,
        log.exception_id,
        log.event_number,
        log.event_at,
        log.event_at as decided_at,
        log.event as action,
        'tieout' as actor,
        cast(null as {{ type_text() }}) as reason,
        cast(null as {{ type_text() }}) as assignee,
        log.amount_minor,
        cast(null as {{ type_text() }}) as refusal,
        case
            when log.event = 'CLOSED' then 'RESOLVED'
            when max(case when log.event = 'REOPENED' then 1 else 0 end) over (partition by log.exception_id order by log.event_number) = 1 then 'REOPENED'
            else 'OPEN'
        end as state,
        log.resolution,
        cast(null as {{ type_text() }}) as owner
    from {{ ref('exception_log') }} as log
    where not exists (
        select 1
        from {{ ref('exception_timeline') }} as told
        where told.org_id = log.org_id and told.exception_id = log.exception_id
    )
)

select
    org_id,
    exception_id,
    event_number,
    event_at,
    decided_at,
    cast(action as {{ type_text() }}) as action,
    cast(actor as {{ type_text() }}) as actor,
    reason,
    assignee,
    amount_minor,
    cast(refusal as {{ type_text() }}) as refusal,
    cast(state as {{ type_text() }}) as state,
    cast(resolution as {{ type_text() }}) as resolution,
    owner
from histories
