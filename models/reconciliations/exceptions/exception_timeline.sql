{{ config(materialized='table') }}
{#- Every state that may follow a decision, and which decisions a state lets through: docs/exceptions.md draws it. -#}
{%- set workable = "('OPEN', 'ASSIGNED', 'REOPENED')" -%}
{%- set came_back = "(state = 'REOPENED' or action = 'REOPENED')" %}
-- The life of every exception that people or a rule have decided about: what runs found and what was decided, in order, each with the state after it. Decisions
-- that a state does not let through stand here too, refused.
with recursive decided as (
    select
        org_id,
        exception_id,
        min(first_received_at) as first_received_at
    from (
        select
            org_id,
            exception_id,
            received_at as first_received_at
        from {{ ref('exception_decisions') }}
        union all
        select
            org_id,
            exception_id,
            event_at as first_received_at
        from {{ ref('exception_log') }}
        where event = 'AUTO_WRITTEN_OFF'
    ) as moments
    group by org_id, exception_id
),

landed_by as (
    select
        batch_id,
        min(run_id) as run_id
    from {{ _ledger() }}
    where consumer = 'staging.stg_tieout__exception_events'
    group by batch_id
),

last_numbers as (
    select
        log.exception_id,
        max(log.event_number) as event_number
    from {{ ref('exception_log') }} as log
    group by log.exception_id
),

-- what is at stake now says how many people it takes
at_stake as (
    select
        log.org_id,
        log.exception_id,
        log.stream,
        log.anomaly,
        log.counterparty_id,
        log.business_date,
        log.currency,
        log.amount_minor,
        log.source_activity_id,
        log.target_activity_id
    from {{ ref('exception_log') }} as log
    inner join decided
        on log.org_id = decided.org_id and log.exception_id = decided.exception_id
    inner join last_numbers
        on log.exception_id = last_numbers.exception_id and log.event_number = last_numbers.event_number
),

{{ _dealt_with('at_stake', fields=['approval_from_minor']) }},

limits as (
    select
        org_id,
        exception_id,
        approval_from_minor,
        strategy
    from dealt_with
),

-- within a run what it opened comes first, then what people had decided before it, then what it found gone or back
events as (
    select
        log.org_id,
        log.exception_id,
        log.event_at,
        -- who decides about an exception has seen it: where the log begins later, in a replay or after it was lost, its opening comes first nevertheless
        case when log.event = 'OPENED' then least(log.event_at, decided.first_received_at) else log.event_at end as ordered_at,
        log.run_id,
        case log.event when 'OPENED' then 0 when 'AUTO_WRITTEN_OFF' then 3 else 2 end as place,
        log.event_at as decided_at,
        cast(null as {{ type_text() }}) as event_id,
        log.event as action,
        cast(coalesce('rule ' || log.rule_id, 'tieout') as {{ type_text() }}) as actor,
        log.resolution,
        cast(case when log.rule_id is not null then 'a small difference, within the budget of its month' end as {{ type_text() }}) as reason,
        cast(null as {{ type_text() }}) as assignee,
        log.amount_minor,
        false as needs_approval,
        cast(null as {{ type_text() }}) as fault,
        cast(null as {{ type_text() }}) as batch_id,
        cast(null as bigint) as row_number
    from {{ ref('exception_log') }} as log
    inner join decided
        on log.org_id = decided.org_id and log.exception_id = decided.exception_id
    union all
    select
        decisions.org_id,
        decisions.exception_id,
        decisions.received_at as event_at,
        decisions.received_at as ordered_at,
        coalesce(landed_by.run_id, '') as run_id,
        1 as place,
        decisions.decided_at,
        decisions.event_id,
        decisions.action,
        decisions.actor,
        case decisions.action
            when 'EXPLAIN' then 'EXPLAINED'
            when 'ADJUST' then 'ADJUSTED'
            when 'WRITE_OFF' then 'WRITTEN_OFF'
            when 'FORCE_MATCH' then 'FORCE_MATCHED'
            when 'EXCLUDE' then 'EXCLUDED'
        end as resolution,
        decisions.reason,
        decisions.assignee,
        decisions.amount_minor,
        coalesce(
            pins.needs_approval,
            (decisions.action = 'WRITE_OFF' and coalesce(decisions.amount_minor >= limits.approval_from_minor, true))
            or (decisions.action in ('EXPLAIN', 'ADJUST', 'WRITE_OFF') and coalesce(limits.strategy = 'MANUAL', false))
        ) as needs_approval,
        coalesce(decisions.fault, pins.fault) as fault,
        decisions.batch_id,
        decisions.row_number
    from {{ ref('exception_decisions') }} as decisions
    left join limits
        on decisions.org_id = limits.org_id and decisions.exception_id = limits.exception_id
    left join landed_by
        on decisions.batch_id = landed_by.batch_id
    left join {{ ref('pins') }} as pins
        on decisions.batch_id = pins.decision_batch_id and decisions.row_number = pins.decision_row_number
),

numbered as {{ kept_cte() }} (
    select
        events.*,
        row_number() over (
            partition by org_id, exception_id
            -- of two rows that share an event id the one that counts
            order by
                ordered_at, {{ by_bytes('run_id') }}, place, decided_at, {{ by_bytes("coalesce(event_id, '')") }},
                case when fault is null then 0 else 1 end, batch_id, row_number
        ) as number
    from events
),

folded as (
    select
        decided.org_id,
        decided.exception_id,
        cast(0 as bigint) as number,
        cast(null as timestamp) as event_at,
        cast(null as timestamp) as decided_at,
        cast(null as {{ type_text() }}) as event_id,
        cast(null as {{ type_text() }}) as action,
        cast(null as {{ type_text() }}) as actor,
        cast(null as {{ type_text() }}) as reason,
        cast(null as {{ type_text() }}) as assignee,
        cast(null as bigint) as amount_minor,
        cast(null as {{ type_text() }}) as refusal,
        cast(null as {{ type_text() }}) as state,
        cast(null as {{ type_text() }}) as resolution,
        cast(null as {{ type_text() }}) as owner,
        cast(null as {{ type_text() }}) as proposed_resolution,
        cast(null as {{ type_text() }}) as proposed_by,
        cast(null as bigint) as given_up_minor,
        cast(null as bigint) as found_minor,
        cast(null as {{ type_text() }}) as alone_by,
        false as is_by_rule,
        cast(null as {{ type_text() }}) as pin_resolution,
        cast(null as {{ type_text() }}) as pin_by,
        false as pin_needs_approval,
        cast(null as timestamp) as live_since,
        cast(null as timestamp) as closed_at,
        cast(0 as integer) as reopen_count,
        cast(null as {{ type_text() }}) as batch_id,
        cast(null as bigint) as row_number
    from decided
    union all
    select
        org_id,
        exception_id,
        number,
        event_at,
        decided_at,
        event_id,
        action,
        actor,
        reason,
        assignee,
        amount_minor,
        refusal,
        state,
        case
            when coalesce(state, '') <> 'RESOLVED' then null
            -- what people have settled stays settled their way when its cause goes
            when state_before = 'RESOLVED' and (refusal is not null or action = 'CLOSED' or resolution_given is null) then resolution_before
            when action = 'APPROVE' then coalesce(proposed_before, pin_resolution_before)
            else resolution_given
        end as resolution,
        case when refusal is null and action = 'ASSIGN' then assignee else owner_before end as owner,
        case
            when coalesce(state, '') <> 'PENDING_APPROVAL' then null
            when state_before = 'PENDING_APPROVAL' and (refusal is not null or resolution_given is null) then proposed_before
            when action = 'REOPENED' then pin_resolution_before
            else resolution_given
        end as proposed_resolution,
        case
            when coalesce(state, '') <> 'PENDING_APPROVAL' then null
            when state_before = 'PENDING_APPROVAL' and (refusal is not null or resolution_given is null) then proposed_by_before
            when action = 'REOPENED' then pin_by_before
            else actor
        end as proposed_by,
        case
            when refusal is null and action in ('WRITE_OFF', 'AUTO_WRITTEN_OFF') then amount_minor
            when state in ('RESOLVED', 'PENDING_APPROVAL') then given_up_before
        end as given_up_minor,
        case when event_id is null and action <> 'CLOSED' then amount_minor else found_before end as found_minor,
        -- which person settled it alone, as long as nobody has agreed
        case
            when refusal is null and action in ('EXPLAIN', 'ADJUST', 'WRITE_OFF', 'FORCE_MATCH', 'EXCLUDE') and state = 'RESOLVED' then actor
            when coalesce(state, '') <> 'RESOLVED' or (refusal is null and action = 'APPROVE') then null
            -- a pin closes its exception itself; any other decision whose cause goes is past
            when action = 'CLOSED' and resolution_before not in ('FORCE_MATCHED', 'EXCLUDED') then null
            else alone_before
        end as alone_by,
        coalesce(state = 'RESOLVED' and (action = 'AUTO_WRITTEN_OFF' or is_by_rule_before), false) as is_by_rule,
        -- a pin that nobody has agreed to or refused yet, whatever becomes of the exception meanwhile: model pins counts the answer when it comes
        {%- for column, given in [('pin_resolution', 'resolution_given'), ('pin_by', 'actor')] %}
        case
            when refusal is null and action in ('FORCE_MATCH', 'EXCLUDE') then {{ given }}
            when refusal is null and action in ('APPROVE', 'REJECT') then null
            else {{ column }}_before
        end as {{ column }},
        {%- endfor %}
        case
            when refusal is null and action in ('FORCE_MATCH', 'EXCLUDE') then needs_approval
            else pin_needs_approval_before and not (refusal is null and action in ('APPROVE', 'REJECT'))
        end as pin_needs_approval,
        case when state_before is null or (state_before = 'RESOLVED' and {{ came_back }}) then event_at else live_before end as live_since,
        case when coalesce(state, '') <> 'RESOLVED' then null when state_before = 'RESOLVED' then closed_before else event_at end as closed_at,
        reopened_before + case when state_before = 'RESOLVED' and {{ came_back }} then 1 else 0 end as reopen_count,
        batch_id,
        row_number
    from (
        select
            judged.*,
            case
                when refusal is not null or action = 'COMMENT' then state_before
                when action = 'OPENED' then 'OPEN'
                -- a pin that a new limit or rule asks a second person for is in force no more, and its records are found again
                when action = 'REOPENED' and pin_needs_approval_before then 'PENDING_APPROVAL'
                when action in ('REOPENED', 'REOPEN') then 'REOPENED'
                when action = 'ASSIGN' then 'ASSIGNED'
                when action = 'REJECT' and state_before in {{ workable }} then state_before
                when action = 'REJECT' then case when owner_before is null then 'OPEN' else 'ASSIGNED' end
                -- more than what was given up is another question, and of a rule's write-off any other amount: its entry is no longer right
                when action = 'AMOUNT_CHANGED' and (amount_minor > given_up_before or is_by_rule_before)
                    then case when state_before = 'RESOLVED' then 'REOPENED' when owner_before is null then 'OPEN' else 'ASSIGNED' end
                when action = 'AMOUNT_CHANGED' then state_before
                when needs_approval then 'PENDING_APPROVAL'
                else 'RESOLVED'
            end as state
        from (
            select
                next_events.*,
                next_events.resolution as resolution_given,
                folded.state as state_before,
                folded.resolution as resolution_before,
                folded.owner as owner_before,
                folded.proposed_resolution as proposed_before,
                folded.proposed_by as proposed_by_before,
                folded.given_up_minor as given_up_before,
                folded.found_minor as found_before,
                folded.alone_by as alone_before,
                folded.is_by_rule as is_by_rule_before,
                folded.pin_resolution as pin_resolution_before,
                folded.pin_by as pin_by_before,
                folded.pin_needs_approval as pin_needs_approval_before,
                folded.live_since as live_before,
                folded.closed_at as closed_before,
                folded.reopen_count as reopened_before,
                case
                    when next_events.event_id is null then null
                    when next_events.fault is not null then next_events.fault
                    -- a pin names its records itself
                    when next_events.action in ('FORCE_MATCH', 'EXCLUDE') then null
                    when folded.state is null then 'exception_id: unknown_exception'
                    when next_events.action in ('ASSIGN', 'EXPLAIN', 'ADJUST', 'WRITE_OFF') and folded.state not in {{ workable }}
                        then 'action: not_while_' || {{ ascii_lower('folded.state') }}
                    -- giving up less than there is would leave the rest to nobody
                    when next_events.action = 'WRITE_OFF' and next_events.amount_minor < folded.found_minor then 'amount_minor: less_than_the_exception'
                    -- what one person did alone can be agreed to or refused too: a limit that moves later takes nobody's word away
                    when next_events.action in ('APPROVE', 'REJECT') and folded.state <> 'PENDING_APPROVAL'
                        and coalesce(folded.alone_by, folded.pin_by) is null
                        then 'action: nothing_to_approve'
                    when next_events.action = 'APPROVE'
                        and {{ ascii_lower('next_events.actor') }} = {{ ascii_lower('coalesce(folded.proposed_by, folded.alone_by, folded.pin_by)') }}
                        then 'actor: who_proposes_cannot_approve'
                    when next_events.action = 'REOPEN' and folded.state <> 'RESOLVED' then 'action: not_resolved'
                end as refusal
            from folded
            inner join numbered as next_events
                on
                    folded.org_id = next_events.org_id
                    and folded.exception_id = next_events.exception_id
                    and folded.number + 1 = next_events.number
        ) as judged
    ) as stepped
),

exception_timeline as (
    select
        org_id,
        exception_id,
        number as event_number,
        event_at,
        decided_at,
        event_id,
        action,
        actor,
        reason,
        assignee,
        amount_minor,
        refusal,
        state,
        resolution,
        owner,
        proposed_resolution,
        proposed_by,
        given_up_minor,
        alone_by,
        live_since,
        closed_at,
        reopen_count,
        batch_id,
        row_number,
        row_number() over (partition by org_id, exception_id order by number desc) = 1 as is_last
    from folded
    where number > 0
)

select *
from exception_timeline
