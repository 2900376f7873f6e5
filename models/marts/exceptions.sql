{%- set details = [
    'step', 'result', 'currency', 'amount_minor', 'title', 'explanation', 'next_action', 'counterparty_id', 'business_date', 'difference_minor',
    'rule_version', 'source_file', 'source_row_number', 'target_file', 'target_row_number', 'rejected_file', 'rejected_row_number'
] -%}
{%- set grades = ['critical', 'high', 'medium'] -%}
-- Every exception ever opened, as it stands now: the fold of its events, and while its cause is there what today's results say of it.
with lives as (
    select
        exception_id,
        max(event_number) as last_event_number,
        min(case when event_number = 1 then event_at end) as opened_at,
        max(case when event in ('OPENED', 'REOPENED') then event_at end) as last_opened_at,
        max(event_at) as last_event_at,
        sum(case when event = 'REOPENED' then 1 else 0 end) as reopen_count
    from {{ ref('exception_log') }}
    group by exception_id
),

worked as (
    select *
    from {{ ref('exception_timeline') }}
    where is_last
),

-- what rules leave alone: decided about by people, or written off once before
touched as (
    select
        org_id,
        exception_id
    from {{ ref('exception_decisions') }}
    where action <> 'COMMENT'
    union
    select
        org_id,
        exception_id
    from {{ ref('exception_log') }}
    where event = 'AUTO_WRITTEN_OFF'
),

stated as (
    select
        log.exception_id,
        log.org_id,
        log.stream,
        log.ladder,
        log.anomaly,
        case
            when worked.state is not null then worked.state
            when log.event = 'CLOSED' then 'RESOLVED'
            when lives.reopen_count > 0 then 'REOPENED'
            else 'OPEN'
        end as state,
        coalesce(worked.resolution, log.resolution) as last_resolution,
        worked.owner,
        worked.proposed_resolution,
        worked.proposed_by,
        worked.alone_by as settled_alone_by,
        lives.opened_at,
        coalesce(worked.live_since, lives.last_opened_at) as last_opened_at,
        coalesce(worked.closed_at, lives.last_event_at) as last_closed_at,
        greatest(lives.last_event_at, coalesce(worked.event_at, lives.last_event_at)) as last_event_at,
        cast(coalesce(worked.reopen_count, lives.reopen_count) as integer) as reopen_count,
        {%- for column in details %}
        {# While it is open, today's word counts; a closed one keeps the last word that was logged. #}
        case when found.exception_id is not null then found.{{ column }} else log.{{ column }} end as {{ column }},
        {%- endfor %}
        touched.exception_id is not null as is_touched,
        coalesce(found.is_absorbable, false) as is_absorbable,
        log.source_system,
        log.source_activity_id,
        log.target_system,
        log.target_activity_id
    from {{ ref('exception_log') }} as log
    inner join lives
        on log.exception_id = lives.exception_id and log.event_number = lives.last_event_number
    left join {{ ref('current_exceptions') }} as found
        on log.exception_id = found.exception_id
    left join worked
        on log.org_id = worked.org_id and log.exception_id = worked.exception_id
    left join touched
        on log.org_id = touched.org_id and log.exception_id = touched.exception_id
),

aged as (
    select
        stated.*,
        case when state = 'RESOLVED' then last_resolution end as resolution,
        case when state = 'RESOLVED' then last_closed_at end as closed_at,
        cast(case when state = 'RESOLVED' then last_closed_at else {{ as_of() }} end as date) - cast(last_opened_at as date) as age_days
    from stated
),

-- narrow, for what it goes through
asked as (
    select
        exception_id,
        org_id,
        stream,
        anomaly,
        counterparty_id,
        business_date,
        currency,
        amount_minor,
        source_activity_id,
        target_activity_id
    from aged
),

{{ _dealt_with('asked', fields=['medium_from_minor', 'high_from_minor', 'critical_from_minor']) }},

weighed as (
    select
        aged.*,
        {%- for column in [
            'base_currency', 'exposure_base_minor', 'measured_minor', 'rule_id', 'classification', 'strategy', 'accepted_by', 'accepted_owner',
            'accepted_reason'
        ] %}
        dealt_with.{{ column }},
        {%- endfor %}
        case
            when aged.amount_minor is null then 'MEDIUM'
            {%- for grade in grades %}
            {#- What no rate converts is graded by its own units. #}
            when coalesce(dealt_with.measured_minor, aged.amount_minor) >= dealt_with.{{ grade }}_from_minor then '{{ grade | upper }}'
            {%- endfor %}
            else 'LOW'
        end as severity_of_amount
    from aged
    inner join dealt_with
        on aged.exception_id = dealt_with.exception_id
),

severity_of_ages as (
    select
        severity,
        severity_rank,
        from_age_days,
        lead(from_age_days) over (order by from_age_days) as below_age_days
    from {{ ref('severities') }}
),

graded as (
    select
        weighed.*,
        case when by_age.severity_rank > by_amount.severity_rank then by_age.severity else by_amount.severity end as severity,
        {{ add_time('weighed.last_opened_at', 'by_amount.due_hours', 'hour') }} as due_at,
        -- why a rule that could settle it has not
        case
            when weighed.state = 'RESOLVED' or weighed.strategy not in ('AUTO', 'AUTO_FLAG') or weighed.accepted_by is not null then null
            when weighed.is_touched then 'rule ' || weighed.rule_id || ' leaves it to people: it has been decided about before'
            when not weighed.is_absorbable then 'rule ' || weighed.rule_id || ' leaves it to people: it is no clear difference of two amounts'
            when weighed.business_date is null or coalesce(weighed.measured_minor, 0) = 0
                then 'rule ' || weighed.rule_id || ' leaves it to people: it has no day or no amount to count in the budget'
            {%- if run_mode() == 'hourly' and _streams_with_modes() %}
            when weighed.stream in ('{{ _streams_with_modes() | join("', '") }}') then 'rule ' || weighed.rule_id || ' looks at it in the next daily run'
            {%- endif %}
            else 'rule ' || weighed.rule_id || ' has stopped: its budget for ' || coalesce(weighed.counterparty_id, 'no counterparty') || ' in '
                || {{ _month_of('weighed.business_date') }} || ' does not cover it'
        end as strategy_note
    from weighed
    inner join {{ ref('severities') }} as by_amount
        on weighed.severity_of_amount = by_amount.severity
    left join severity_of_ages as by_age
        on
            weighed.age_days >= by_age.from_age_days
            and (weighed.age_days < by_age.below_age_days or by_age.below_age_days is null)
)

select
    exception_id,
    org_id,
    stream,
    ladder,
    cast(step as {{ type_text() }}) as step,
    anomaly,
    cast(state as {{ type_text() }}) as state,
    cast(resolution as {{ type_text() }}) as resolution,
    cast(severity as {{ type_text() }}) as severity,
    cast(classification as {{ type_text() }}) as classification,
    cast(strategy as {{ type_text() }}) as strategy,
    rule_id,
    cast(strategy_note as {{ type_text() }}) as strategy_note,
    accepted_by,
    accepted_owner,
    accepted_reason,
    owner,
    proposed_resolution,
    proposed_by,
    settled_alone_by,
    opened_at,
    due_at,
    -- what is accepted has no clock
    coalesce(state <> 'RESOLVED' and accepted_by is null and {{ as_of() }} > due_at, false) as is_overdue,
    cast(age_days as integer) as age_days,
    cast(case
        when age_days <= 1 then '0-1'
        when age_days <= 7 then '2-7'
        when age_days <= 30 then '8-30'
        when age_days <= 90 then '31-90'
        else 'over 90'
    end as {{ type_text() }}) as ageing_bucket,
    closed_at,
    last_event_at,
    reopen_count,
    result,
    currency,
    amount_minor,
    exposure_base_minor,
    cast(base_currency as {{ type_text() }}) as base_currency,
    title,
    cast(explanation as {{ type_text() }}) as explanation,
    next_action,
    source_system,
    source_activity_id,
    target_system,
    target_activity_id,
    counterparty_id,
    business_date,
    difference_minor,
    rule_version,
    source_file,
    source_row_number,
    target_file,
    target_row_number,
    rejected_file,
    rejected_row_number
from graded
