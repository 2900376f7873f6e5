{{ config(
    materialized='incremental', incremental_strategy='append', full_refresh=false, post_hook='{{ record_absorptions() }}',
    indexes=engine_indexes([['exception_id']]), on_schema_change='append_new_columns'
) }}
{#- What an event must keep, because what it tells of may be gone when it is read. -#}
{%- set details = [
    'org_id', 'stream', 'ladder', 'step', 'anomaly', 'result', 'currency', 'amount_minor', 'title', 'explanation', 'next_action', 'source_system',
    'source_activity_id', 'target_system', 'target_activity_id', 'counterparty_id', 'business_date', 'difference_minor', 'rule_version',
    'source_file', 'source_row_number', 'target_file', 'target_row_number', 'rejected_file', 'rejected_row_number'
] %}
-- depends_on: {{ ref('control_totals') }}
-- depends_on: {{ ref('reconciliation_results') }}
-- Every opening and closing of an exception, in order, and what rules wrote off. Written only after the books have closed; never changed.
with found as (
    select *
    from {{ ref('current_exceptions') }}
),

-- what people have decided about, even if it was refused, no rule touches after that
decided as (
    select distinct
        org_id,
        exception_id
    from {{ ref('exception_decisions') }}
    where action <> 'COMMENT'
),
{% if is_incremental() %}
last_numbers as (
    select
        logged.exception_id,
        max(logged.event_number) as event_number
    from {{ this }} as logged
    group by logged.exception_id
),

last_events as (
    select logged.*
    from {{ this }} as logged
    inner join last_numbers
        on logged.exception_id = last_numbers.exception_id and logged.event_number = last_numbers.event_number
),

openings as (
    select
        found.exception_id,
        coalesce(last_events.event_number, 0) + 1 as event_number,
        case when last_events.exception_id is null then 'OPENED' else 'REOPENED' end as event,
        cast(null as {{ type_text() }}) as resolution,
        {%- for column in details %}
        found.{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from found
    left join last_events
        on found.exception_id = last_events.exception_id
    where last_events.exception_id is null or last_events.event = 'CLOSED'
),

-- what is at stake has become another amount: a write-off may not cover it any more
changes as (
    select
        found.exception_id,
        last_events.event_number + 1 as event_number,
        'AMOUNT_CHANGED' as event,
        cast(null as {{ type_text() }}) as resolution,
        {%- for column in details %}
        found.{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from found
    inner join last_events
        on found.exception_id = last_events.exception_id
    where last_events.event <> 'CLOSED' and last_events.amount_minor is distinct from found.amount_minor
),

-- what was found no more
gone as (
    select last_events.*
    from last_events
    left join found
        on last_events.exception_id = found.exception_id
    where found.exception_id is null and last_events.event <> 'CLOSED'
),
{% if run_mode() == 'hourly' %}
-- records that a run of mode hourly leaves to the daily one: what was found of them has not gone away, it has not been looked at
awaiting as (
    select
        org_id,
        ladder,
        coalesce(source_system, target_system) as system,
        coalesce(source_activity_id, target_activity_id) as activity_id
    from {{ ref('reconciliation_results') }}
    where reason = 'AWAITING_DAILY'
),

unjudged as (
    {%- for role in ['source', 'target'] %}
    select gone.exception_id
    from gone
    inner join awaiting
        on
            gone.org_id = awaiting.org_id
            and gone.ladder = awaiting.ladder
            and gone.{{ role }}_system = awaiting.system
            and gone.{{ role }}_activity_id = awaiting.activity_id
    -- what one side's records say of each other is looked at in every run
    where gone.result <> 'FINDING'
    union
    {%- endfor %}
    -- what a month's tolerance comes to is known when everybody has been judged
    select gone.exception_id
    from gone
    where gone.anomaly = 'TOLERANCE_BUDGET_EXCEEDED' and gone.stream in ('{{ _streams_with_modes() | join("', '") }}')
),
{% endif %}
-- what was missing and has a counterpart now came late
matched_late as (
    {%- for side in ['source', 'target'] %}
    select gone.exception_id
    from gone
    inner join {{ ref('reconciliation_results') }} as results
        on
            gone.org_id = results.org_id
            and gone.ladder = results.ladder
            and gone.{{ side }}_system = results.{{ side }}_system
            and gone.{{ side }}_activity_id = results.{{ side }}_activity_id
    where gone.result in ('MISSING_SOURCE', 'MISSING_TARGET') and results.result in ('MATCHED', 'MISMATCHED')
    {{- '\n    union' if not loop.last }}
    {%- endfor %}
),

-- what people matched or took out by hand settles all that was found of its records, whichever exception it was decided on
settled_by_hand as (
    {%- for side in ['source', 'target'] %}
    select
        gone.exception_id,
        case results.result when 'EXCLUDED' then 'EXCLUDED' else 'FORCE_MATCHED' end as resolution
    from gone
    inner join {{ ref('reconciliation_results') }} as results
        on
            gone.org_id = results.org_id
            and gone.ladder = results.ladder
            and gone.{{ side }}_system = results.{{ side }}_system
            and gone.{{ side }}_activity_id = results.{{ side }}_activity_id
    where results.step = 'pinned'
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

-- of a pair whose records went different ways the match
settlements as (
    select
        exception_id,
        max(resolution) as resolution
    from settled_by_hand
    group by exception_id
),

closings as (
    select
        gone.exception_id,
        gone.event_number + 1 as event_number,
        'CLOSED' as event,
        coalesce(settlements.resolution, case when matched_late.exception_id is not null then 'MATCHED_LATE' else 'SELF_CLEARED' end) as resolution,
        {%- for column in details %}
        gone.{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from gone
    left join matched_late
        on gone.exception_id = matched_late.exception_id
    left join settlements
        on gone.exception_id = settlements.exception_id
    {%- if run_mode() == 'hourly' %}
    left join unjudged
        on gone.exception_id = unjudged.exception_id
    where unjudged.exception_id is null
    {%- endif %}
),

found_or_gone as (
    select * from openings
    union all
    select * from changes
    union all
    select * from closings
),
{% else %}
found_or_gone as (
    select
        found.exception_id,
        1 as event_number,
        'OPENED' as event,
        cast(null as {{ type_text() }}) as resolution,
        {%- for column in details %}
        found.{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from found
),
{% endif %}
candidates as (
    select found.*
    from found
    left join decided
        on found.org_id = decided.org_id and found.exception_id = decided.exception_id
    -- a rule writes an exception off once: what changes or comes back is for people
    left join {{ _absorptions() }} as absorbed_before
        on found.exception_id = absorbed_before.exception_id
    where
        found.is_absorbable
        and found.business_date is not null
        and decided.exception_id is null
        and absorbed_before.exception_id is null
        {%- if run_mode() == 'hourly' and _streams_with_modes() %}
        -- what an hourly run leaves unjudged may use the budget too: the daily run writes off
        and found.stream not in ('{{ _streams_with_modes() | join("', '") }}')
        {%- endif %}
),

{{ _dealt_with('candidates') }},

used as (
    select
        org_id,
        rule_id,
        counterparty_id,
        month,
        unit_currency,
        sum(used_minor) as used_minor
    from (
        select
            org_id,
            rule_id,
            counterparty_id,
            month,
            unit_currency,
            measured_minor as used_minor
        from {{ ref('tolerated_differences') }}
        union all
        select
            org_id,
            rule_id,
            counterparty_id,
            month,
            currency as unit_currency,
            absorbed_minor as used_minor
        from {{ _absorptions() }}
    ) as parts
    group by org_id, rule_id, counterparty_id, month, unit_currency
),

-- the first one that its month's budget does not cover stops all that come after it
in_turn as (
    select
        dealt_with.*,
        coalesce(used.used_minor, 0) + sum(dealt_with.measured_minor) over (
            partition by
                dealt_with.org_id, dealt_with.rule_id, dealt_with.counterparty_id, {{ _month_of('dealt_with.business_date') }}, dealt_with.unit_currency
            order by dealt_with.business_date, dealt_with.measured_minor, dealt_with.exception_id
            rows between unbounded preceding and current row
        ) as used_minor
    from dealt_with
    left join used
        on
            dealt_with.org_id = used.org_id
            and dealt_with.rule_id = used.rule_id
            and dealt_with.counterparty_id is not distinct from used.counterparty_id
            and {{ _month_of('dealt_with.business_date') }} = used.month
            and dealt_with.unit_currency = used.unit_currency
    where dealt_with.strategy in ('AUTO', 'AUTO_FLAG') and dealt_with.accepted_by is null and dealt_with.measured_minor > 0
),

written_off as (
    select
        in_turn.exception_id,
        coalesce(found_or_gone.event_number{{ ', last_events.event_number' if is_incremental() }}) + 1 as event_number,
        'AUTO_WRITTEN_OFF' as event,
        'WRITTEN_OFF' as resolution,
        {%- for column in details %}
        in_turn.{{ column }},
        {%- endfor %}
        in_turn.rule_id,
        in_turn.strategy,
        in_turn.measured_minor as absorbed_minor,
        in_turn.unit_currency as absorbed_currency,
        in_turn.signed_minor
    from in_turn
    left join found_or_gone
        on in_turn.exception_id = found_or_gone.exception_id
    {%- if is_incremental() %}
    left join last_events
        on in_turn.exception_id = last_events.exception_id
    {%- endif %}
    where in_turn.used_minor <= in_turn.budget_minor
),

events as (
    select
        found_or_gone.*,
        cast(null as {{ type_text() }}) as rule_id,
        cast(null as {{ type_text() }}) as strategy,
        cast(null as bigint) as absorbed_minor,
        cast(null as {{ type_text() }}) as absorbed_currency,
        cast(null as bigint) as signed_minor
    from found_or_gone
    union all
    select * from written_off
),

exception_log as (
    select
        exception_id,
        cast(event_number as integer) as event_number,
        cast(event as {{ type_text() }}) as event,
        {{ as_of() }} as event_at,
        cast({{ run_id() }} as {{ type_text() }}) as run_id,
        {%- for column in details %}
        {{ column }},
        {%- endfor %}
        cast(resolution as {{ type_text() }}) as resolution,
        cast(rule_id as {{ type_text() }}) as rule_id,
        cast(strategy as {{ type_text() }}) as strategy,
        cast(absorbed_minor as bigint) as absorbed_minor,
        cast(absorbed_currency as {{ type_text() }}) as absorbed_currency,
        cast(signed_minor as bigint) as signed_minor
    from events
)

select *
from exception_log
