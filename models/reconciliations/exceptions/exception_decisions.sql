{{ config(materialized='table') }}
-- What people have decided, each decision once, with what is wrong with it by itself; whether it fits the exception's state says `exception_timeline`.
{%- set most_letters = 10000 %}
with staged as (
    select
        events.org_id,
        events.event_id,
        events.exception_id,
        {{ ascii_upper('events.action') }} as action,
        events.actor,
        events.decided_at,
        events.reason,
        events.assignee,
        events.amount_minor,
        events.ladder,
        {%- for side in ['source', 'target'] %}
        {{ ascii_lower('events.' ~ side ~ '_system') }} as {{ side }}_system,
        events.{{ side }}_activity_id,
        {%- endfor %}
        events.received_at,
        events.batch_id,
        events.row_number,
        batches.source_file,
        {{ joined_text([
            'events.exception_id', 'events.action', 'events.actor', epoch_microseconds('events.decided_at'), 'events.reason', 'events.assignee', 'events.amount_minor', 'events.ladder',
            'events.source_system', 'events.source_activity_id', 'events.target_system', 'events.target_activity_id'
        ]) | indent(8) }} as content
    from {{ ref('stg_tieout__exception_events') }} as events
    inner join {{ source('landing', 'batches') }} as batches
        on events.batch_id = batches.batch_id
    where events.is_valid
),

-- an id that comes again is the same decision; of two that differ the first counts, and the other one is refused
numbered as (
    select
        staged.*,
        row_number() over (partition by org_id, event_id order by received_at, {{ by_bytes('content') }}, batch_id, row_number) as occurrence,
        first_value(content) over (partition by org_id, event_id order by received_at, {{ by_bytes('content') }}, batch_id, row_number) as first_content
    from staged
),

exception_decisions as (
    select
        org_id,
        event_id,
        exception_id,
        cast(action as {{ type_text() }}) as action,
        actor,
        decided_at,
        reason,
        assignee,
        amount_minor,
        ladder,
        source_system,
        source_activity_id,
        target_system,
        target_activity_id,
        received_at,
        batch_id,
        row_number,
        source_file,
        cast(case
            when occurrence > 1 then 'event_id: another_decision_has_it'
            when action not in ('ASSIGN', 'COMMENT', 'EXPLAIN', 'ADJUST', 'WRITE_OFF', 'FORCE_MATCH', 'EXCLUDE', 'APPROVE', 'REJECT', 'REOPEN')
                then 'action: unknown_action'
            when reason is null then 'reason: missing_value'
            when length(reason) > {{ most_letters }} then 'reason: too_long'
            when length(actor) > 200 or length(assignee) > 200 then 'actor: too_long'
            when action = 'ASSIGN' and assignee is null then 'assignee: missing_value'
            when action = 'WRITE_OFF' and amount_minor is null then 'amount_minor: missing_value'
            when action in ('FORCE_MATCH', 'EXCLUDE') and ladder is null then 'ladder: unknown_ladder'
            when
                action in ('FORCE_MATCH', 'EXCLUDE')
                and ladder not in (
                    {%- for name in _ladder_names() %}
                    '{{ name }}'{{ ',' if not loop.last }}
                    {%- endfor %}
                )
                then 'ladder: unknown_ladder'
            when
                action = 'FORCE_MATCH'
                and ladder in (
                    {%- for name in _ladders_of_groups() %}
                    '{{ name }}'{{ ',' if not loop.last }}
                    {%- endfor %}
                )
                then 'ladder: its_matches_are_groups'
            when action = 'FORCE_MATCH' and source_activity_id is null then 'source_activity_id: missing_value'
            when action = 'FORCE_MATCH' and target_activity_id is null then 'target_activity_id: missing_value'
            when action = 'EXCLUDE' and source_activity_id is null and target_activity_id is null then 'source_activity_id: missing_value'
        end as {{ type_text() }}) as fault
    from numbered
    where occurrence = 1 or content <> first_content
)

select *
from exception_decisions
