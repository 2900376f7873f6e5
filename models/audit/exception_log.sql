{{ config(
    materialized='incremental', incremental_strategy='append', full_refresh=false,
    indexes=engine_indexes([['exception_id']])
) }}
{#- What an event must keep, because what it tells of may be gone when it is read. -#}
{%- set details = [
    'org_id', 'stream', 'ladder', 'step', 'anomaly', 'result', 'currency', 'amount_minor', 'title', 'explanation', 'next_action', 'source_system',
    'source_activity_id', 'target_system', 'target_activity_id', 'counterparty_id', 'business_date', 'difference_minor', 'rule_version',
    'source_file', 'source_row_number', 'target_file', 'target_row_number', 'rejected_file', 'rejected_row_number'
] %}
-- depends_on: {{ ref('control_totals') }}
-- depends_on: {{ ref('reconciliation_results') }}
-- Every opening and closing of an exception, in order. Written only after the books have closed; never changed.
with found as (
    select *
    from {{ ref('current_exceptions') }}
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
        {%- for column in details %}
        found.{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from found
    left join last_events
        on found.exception_id = last_events.exception_id
    where last_events.exception_id is null or last_events.event = 'CLOSED'
),

{%- if run_mode() == 'hourly' %}

-- records that a run of mode hourly leaves to the daily one: what was found of them has not gone away, it has not been looked at
unjudged as (
    select distinct
        org_id,
        ladder,
        coalesce(source_system, target_system) as system,
        coalesce(source_activity_id, target_activity_id) as activity_id
    from {{ ref('reconciliation_results') }}
    where reason = 'AWAITING_DAILY'
),
{%- endif %}

closings as (
    select
        last_events.exception_id,
        last_events.event_number + 1 as event_number,
        'CLOSED' as event,
        {%- for column in details %}
        last_events.{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from last_events
    left join found
        on last_events.exception_id = found.exception_id
    where
        found.exception_id is null
        and last_events.event <> 'CLOSED'
        {%- if run_mode() == 'hourly' %}
        and not exists (
            select 1
            from unjudged
            where
                unjudged.org_id = last_events.org_id
                and unjudged.ladder = last_events.ladder
                and (
                    (unjudged.system = last_events.source_system and unjudged.activity_id = last_events.source_activity_id)
                    or (unjudged.system = last_events.target_system and unjudged.activity_id = last_events.target_activity_id)
                )
        )
        {%- endif %}
),

events as (
    select * from openings
    union all
    select * from closings
),
{% else %}
events as (
    select
        found.exception_id,
        1 as event_number,
        'OPENED' as event,
        {%- for column in details %}
        found.{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from found
),
{% endif %}
exception_log as (
    select
        exception_id,
        cast(event_number as integer) as event_number,
        cast(event as {{ type_text() }}) as event,
        {{ as_of() }} as event_at,
        cast({{ run_id() }} as {{ type_text() }}) as run_id,
        {%- for column in details %}
        {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from events
)

select *
from exception_log
