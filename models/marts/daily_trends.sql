{#- Of a pair the source's money; what is ambiguous stands with one side only, but a slice of the summary may hold some of either. -#}
{%- set money %}
case when result = 'AMBIGUOUS' then coalesce(source_amount_minor, 0) + coalesce(target_amount_minor, 0) else coalesce(source_amount_minor, target_amount_minor) end
{%- endset %}
-- Day by day: how much matched, what was found and settled, how long that took, and what was still open when the day ended. Amounts of different currencies are
-- never added.
with matched as (
    select
        org_id,
        stream,
        business_date as day,
        currency,
        sum(result_count) as judged_count,
        sum(case when result = 'MATCHED' then result_count else 0 end) as matched_count,
        sum({{ money }}) as judged_minor,
        sum(case when result = 'MATCHED' then {{ money }} else 0 end) as matched_minor
    from {{ ref('reconciliation_summary') }}
    where result not in ('PENDING', 'DUPLICATE', 'EXCLUDED') and business_date is not null
    group by org_id, stream, business_date, currency
),

histories as (
    select
        history.org_id,
        exceptions.stream,
        history.exception_id,
        exceptions.currency,
        -- what a run found counts; what people give up is another amount
        case when history.action in ('OPENED', 'REOPENED', 'AMOUNT_CHANGED') then history.amount_minor end as found_minor,
        history.event_number,
        history.event_at,
        cast(history.event_at as date) as day,
        history.state,
        history.resolution,
        lag(history.state) over (partition by history.org_id, history.exception_id order by history.event_number) as state_before
    from {{ ref('exception_history') }} as history
    inner join {{ ref('exceptions') }} as exceptions
        on history.org_id = exceptions.org_id and history.exception_id = exceptions.exception_id
    where history.state is not null
),

amounts as (
    select
        histories.*,
        count(found_minor) over (partition by org_id, exception_id order by event_number) as found_number
    from histories
),

-- what is open of an exception after each event: the amount that was found last
exposures as (
    select
        amounts.*,
        case
            when state = 'RESOLVED' then 0
            else coalesce(max(found_minor) over (partition by org_id, exception_id, found_number), 0)
        end as open_minor
    from amounts
),

movements as (
    select
        org_id,
        stream,
        day,
        currency,
        open_minor - coalesce(lag(open_minor) over (partition by org_id, exception_id order by event_number), 0) as open_minor_change
    from exposures
),

moved as (
    select
        org_id,
        stream,
        day,
        currency,
        sum(open_minor_change) as open_minor_change
    from movements
    where open_minor_change <> 0
    group by org_id, stream, day, currency
),

-- when an exception came to be open, and when it came to be resolved
turns as (
    select
        histories.*,
        case when state = 'RESOLVED' then -1 else 1 end as change,
        lag(event_at) over (partition by org_id, exception_id order by event_number) as turned_at
    from histories
    where (state = 'RESOLVED') <> (coalesce(state_before, 'RESOLVED') = 'RESOLVED')
),

changes as (
    select
        org_id,
        stream,
        day,
        currency,
        sum(case when change = 1 then 1 else 0 end) as opened_count,
        sum(case when change = -1 then 1 else 0 end) as closed_count,
        sum(case when change = -1 and resolution in ('SELF_CLEARED', 'MATCHED_LATE') then 1 else 0 end) as self_cleared_count,
        sum(change) as open_change
    from turns
    group by org_id, stream, day, currency
),

closing_times as (
    select
        org_id,
        stream,
        day,
        currency,
        percentile_disc(0.5) within group (
            order by {{ integer_divide(epoch_microseconds('event_at') ~ ' - ' ~ epoch_microseconds('turned_at'), 3600000000) }}
        ) as median_hours,
        percentile_disc(0.95) within group (
            order by {{ integer_divide(epoch_microseconds('event_at') ~ ' - ' ~ epoch_microseconds('turned_at'), 3600000000) }}
        ) as p95_hours
    from turns
    where change = -1 and turned_at is not null
    group by org_id, stream, day, currency
),

days as (
    select org_id, stream, day, currency from matched
    union
    select org_id, stream, day, currency from changes
    union
    select org_id, stream, day, currency from moved
),

daily_trends as (
    select
        days.org_id,
        days.stream,
        days.day,
        days.currency,
        cast(coalesce(matched.judged_count, 0) as bigint) as judged_count,
        cast(coalesce(matched.matched_count, 0) as bigint) as matched_count,
        cast(coalesce(matched.judged_minor, 0) as {{ type_decimal(38, 0) }}) as judged_minor,
        cast(coalesce(matched.matched_minor, 0) as {{ type_decimal(38, 0) }}) as matched_minor,
        cast(coalesce(changes.opened_count, 0) as bigint) as opened_count,
        cast(coalesce(changes.closed_count, 0) as bigint) as closed_count,
        cast(coalesce(changes.self_cleared_count, 0) as bigint) as self_cleared_count,
        cast(closing_times.median_hours as bigint) as median_hours_to_close,
        cast(closing_times.p95_hours as bigint) as p95_hours_to_close,
        cast(sum(coalesce(changes.open_change, 0)) over so_far as bigint) as open_count,
        cast(sum(coalesce(moved.open_minor_change, 0)) over so_far as {{ type_decimal(38, 0) }}) as open_minor
    from days
    left join matched
        on days.org_id = matched.org_id and days.stream = matched.stream and days.day = matched.day and days.currency is not distinct from matched.currency
    left join changes
        on days.org_id = changes.org_id and days.stream = changes.stream and days.day = changes.day and days.currency is not distinct from changes.currency
    left join moved
        on days.org_id = moved.org_id and days.stream = moved.stream and days.day = moved.day and days.currency is not distinct from moved.currency
    left join closing_times
        on
            days.org_id = closing_times.org_id
            and days.stream = closing_times.stream
            and days.day = closing_times.day
            and days.currency is not distinct from closing_times.currency
    window so_far as (partition by days.org_id, days.stream, days.currency order by days.day rows between unbounded preceding and current row)
)

select *
from daily_trends
