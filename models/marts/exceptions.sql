{%- set details = [
    'step', 'result', 'currency', 'amount_minor', 'title', 'explanation', 'next_action', 'counterparty_id', 'business_date', 'difference_minor',
    'rule_version', 'source_file', 'source_row_number', 'target_file', 'target_row_number', 'rejected_file', 'rejected_row_number'
] -%}
-- Every exception ever opened, as it stands now: the fold of the log, and while it is open what today's results say of it.
with lives as (
    select
        exception_id,
        max(event_number) as last_event_number,
        min(case when event_number = 1 then event_at end) as opened_at,
        max(event_at) as last_event_at,
        sum(case when event = 'REOPENED' then 1 else 0 end) as reopen_count
    from {{ ref('exception_log') }}
    group by exception_id
),

exceptions as (
    select
        log.exception_id,
        log.org_id,
        log.stream,
        log.ladder,
        log.anomaly,
        case when log.event = 'CLOSED' then 'RESOLVED' else 'OPEN' end as state,
        lives.opened_at,
        case when log.event = 'CLOSED' then log.event_at end as closed_at,
        lives.last_event_at,
        cast(lives.reopen_count as integer) as reopen_count,
        {%- for column in details %}
        {# While it is open, today's word counts; a closed one keeps the last word that was logged. #}
        case when found.exception_id is not null then found.{{ column }} else log.{{ column }} end as {{ column }},
        {%- endfor %}
        log.source_system,
        log.source_activity_id,
        log.target_system,
        log.target_activity_id
    from {{ ref('exception_log') }} as log
    inner join lives
        on log.exception_id = lives.exception_id and log.event_number = lives.last_event_number
    left join {{ ref('current_exceptions') }} as found
        on log.exception_id = found.exception_id
),

graded as (
    select
        exceptions.*,
        case
            when exceptions.amount_minor is null then 'MEDIUM'
            {%- for grade in ['critical', 'high', 'medium'] %}
            when exceptions.amount_minor >= coalesce(of_counterparty.{{ grade }}_from_minor, of_org.{{ grade }}_from_minor) then '{{ grade | upper }}'
            {%- endfor %}
            else 'LOW'
        end as severity
    from exceptions
    {%- for scope in ['of_counterparty', 'of_org'] %}
    left join {{ ref('policies') }} as {{ scope }}
        on
            exceptions.org_id = {{ scope }}.org_id
            and exceptions.stream = {{ scope }}.stream
            and {{ 'exceptions.counterparty_id = of_counterparty.counterparty_id' if scope == 'of_counterparty' else 'of_org.counterparty_id is null' }}
            and coalesce(exceptions.business_date, date '0001-01-01') >= {{ scope }}.valid_from
            and coalesce(exceptions.business_date, date '0001-01-01') < coalesce({{ scope }}.valid_to, date '9999-12-31')
    {%- endfor %}
)

select
    exception_id,
    org_id,
    stream,
    ladder,
    cast(step as {{ type_text() }}) as step,
    anomaly,
    cast(state as {{ type_text() }}) as state,
    cast(severity as {{ type_text() }}) as severity,
    opened_at,
    closed_at,
    last_event_at,
    reopen_count,
    result,
    currency,
    amount_minor,
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
