{%- set facts = health_facts() -%}
{%- set judged = "result not in ('PENDING', 'DUPLICATE', 'EXCLUDED')" -%}
{#- Of business dates; none looks at all of them. -#}
{%- set judged_within = {'all': none, '30 days': '-30', '7 days': '-7'} -%}
{%- set run_within = {'30 days': '-30', '7 days': '-7'} -%}
{%- set stocks = {
    'unmatched_results': "result in ('MISSING_SOURCE', 'MISSING_TARGET')", 'ambiguous_results': "result = 'AMBIGUOUS'", 'pending_results': "result = 'PENDING'"
} -%}
{%- set no_org = 'cast(null as ' ~ type_text() ~ ')' -%}
-- How the reconciliation itself is doing, one number a row. Of runs those count that ended and whose clock stood before this run's: it tells nothing of itself.
with results as (
    select
        org_id,
        stream,
        {%- for metric, condition in stocks.items() %}
        sum(case when {{ condition }} then result_count else 0 end) as {{ metric }},
        {%- endfor %}
        {%- for name, days in judged_within.items() %}
        {%- set within = judged ~ ((' and business_date > cast(' ~ add_time(as_of(), days, 'day') ~ ' as date)') if days else '') %}
        sum(case when {{ within }} then result_count else 0 end) as judged_{{ loop.index }},
        sum(case when {{ within }} then anomaly_count else 0 end) as anomalies_{{ loop.index }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('reconciliation_summary') }}
    group by org_id, stream
),

open_exceptions as (
    select
        org_id,
        stream,
        sum(open_count) as open_count,
        sum(overdue_count) as overdue_count
    from {{ ref('exception_ageing') }}
    group by org_id, stream
),

scopes as (
    select org_id, stream from results
    union
    select org_id, stream from open_exceptions
),

-- a match is judged in the run that receives the later of its records; whole minutes keep the counts few
recent_matches as (
    select
        org_id,
        stream,
        last_received_at > {{ add_time(as_of(), '-1', 'day') }} as is_of_last_day,
        {{ integer_divide(epoch_microseconds('last_received_at') ~ ' - ' ~ epoch_microseconds('source_event_at'), 60000000) }} as lag_minutes,
        count(*) as match_count
    from {{ ref('reconciliation_results') }}
    where
        result in ('MATCHED', 'MISMATCHED')
        and source_event_at is not null
        and last_received_at > {{ add_time(as_of(), '-7', 'day') }}
    group by 1, 2, 3, 4
),

lags as (
    select
        org_id,
        stream,
        '7 days' as time_window,
        lag_minutes,
        sum(match_count) as match_count
    from recent_matches
    group by org_id, stream, lag_minutes
    union all
    select
        org_id,
        stream,
        '1 day' as time_window,
        lag_minutes,
        match_count
    from recent_matches
    where is_of_last_day
),

counted_lags as (
    select
        lags.*,
        sum(match_count) over (partition by org_id, stream, time_window order by lag_minutes) as match_count_so_far,
        sum(match_count) over (partition by org_id, stream, time_window) as all_match_count
    from lags
),

lag_percentiles as (
    select
        org_id,
        stream,
        time_window,
        -- a clock that runs ahead gives an event after its receipt
        greatest(min(case when match_count_so_far * 100 >= all_match_count * 50 then lag_minutes end), 0) * 60 as p50,
        greatest(min(case when match_count_so_far * 100 >= all_match_count * 95 then lag_minutes end), 0) * 60 as p95
    from counted_lags
    group by org_id, stream, time_window
),
{% if has_audit() %}
run_rows as (
    select *
    from {{ _audit_table('reconciliation_runs') }}
    where as_of < {{ as_of() }} and as_of >= {{ add_time(as_of(), '-30', 'day') }} and not is_replay
),

last_run_rows as (
    select
        run_id,
        max(sequence_number) as sequence_number
    from run_rows
    group by run_id
),

ended_runs as (
    select
        run_rows.run_id,
        run_rows.as_of,
        run_rows.state,
        {{ epoch_microseconds('run_rows.ended_at') }} - {{ epoch_microseconds('run_rows.started_at') }} as microseconds
    from run_rows
    inner join last_run_rows
        on run_rows.run_id = last_run_rows.run_id and run_rows.sequence_number = last_run_rows.sequence_number
    where run_rows.state in ('SUCCEEDED', 'FAILED', 'CANCELLED')
),

last_step_rows as (
    select
        step_rows.step_run_id,
        max(step_rows.sequence_number) as sequence_number
    from {{ _audit_table('reconciliation_step_runs') }} as step_rows
    inner join ended_runs
        on step_rows.run_id = ended_runs.run_id
    group by step_rows.step_run_id
),

-- what a run spent on a stream: the time of those of its steps that were built
built_streams as (
    select
        step_rows.run_id,
        step_rows.stream,
        sum({{ epoch_microseconds('step_rows.ended_at') }} - {{ epoch_microseconds('step_rows.started_at') }}) as microseconds
    from {{ _audit_table('reconciliation_step_runs') }} as step_rows
    inner join last_step_rows
        on step_rows.step_run_id = last_step_rows.step_run_id and step_rows.sequence_number = last_step_rows.sequence_number
    where step_rows.started_at is not null and step_rows.ended_at is not null
    group by step_rows.run_id, step_rows.stream
),

all_stream_runs as (
    select
        {{ no_org }} as stream,
        as_of,
        state,
        microseconds
    from ended_runs
    union all
    select
        built_streams.stream,
        ended_runs.as_of,
        ended_runs.state,
        built_streams.microseconds
    from built_streams
    inner join ended_runs
        on built_streams.run_id = ended_runs.run_id
),

stream_runs as (
    {%- for name, days in run_within.items() %}
    select
        stream,
        '{{ name }}' as time_window,
        state,
        microseconds
    from all_stream_runs
    where as_of >= {{ add_time(as_of(), days, 'day') }}
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

run_counts as (
    select
        stream,
        time_window,
        count(*) as run_count,
        sum(case when state = 'FAILED' then 1 else 0 end) as failed_count,
        sum(case when state = 'SUCCEEDED' then 1 else 0 end) as succeeded_count
    from stream_runs
    group by stream, time_window
),

durations as (
    select
        stream,
        time_window,
        percentile_disc(0.5) within group (order by {{ integer_divide('microseconds', 1000) }}) as p50,
        percentile_disc(0.95) within group (order by {{ integer_divide('microseconds', 1000) }}) as p95
    from stream_runs
    where state = 'SUCCEEDED' and microseconds is not null
    group by stream, time_window
),

-- an attempt that failed is made up for by a later one of the same scope that closed the books
last_successes as (
    select
        stream,
        max(sequence_number) as sequence_number
    from run_rows
    where state = 'SUCCEEDED'
    group by stream
),

failed_attempts as (
    select
        failed.as_of,
        case when whole.sequence_number > failed.sequence_number or alone.sequence_number > failed.sequence_number then 1 else 0 end as is_recovered
    from run_rows as failed
    left join last_successes as whole
        on whole.stream is null
    left join last_successes as alone
        on failed.stream = alone.stream
    where failed.state = 'FAILED'
),

recoveries as (
    {%- for name, days in run_within.items() %}
    select
        '{{ name }}' as time_window,
        count(*) as failed_count,
        sum(is_recovered) as recovered_count
    from failed_attempts
    where as_of >= {{ add_time(as_of(), days, 'day') }}
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),
{% endif %}
{%- if facts.late_feeds is defined %}
late_feeds as (
    {%- for org_id, late in facts.late_feeds.items() %}
    select
        {{ text_literal(org_id) }} as org_id,
        {{ late[0] | int }} as late_count,
        {{ late[1] | int }} as late_seconds
    union all
    {%- endfor %}
    select distinct
        results.org_id,
        0 as late_count,
        0 as late_seconds
    from results
),
{% endif %}
metrics as (
    {%- for metric in stocks %}
    select
        org_id,
        stream,
        '{{ metric }}' as metric,
        'now' as time_window,
        'count' as unit,
        {{ metric }} as metric_value
    from results
    union all
    {%- endfor %}
    {%- for name in judged_within %}
    select
        org_id,
        stream,
        'judged_results' as metric,
        '{{ name }}' as time_window,
        'count' as unit,
        judged_{{ loop.index }} as metric_value
    from results
    union all
    select
        org_id,
        stream,
        'anomaly_rate' as metric,
        '{{ name }}' as time_window,
        'ppm' as unit,
        {{ integer_divide('anomalies_' ~ loop.index ~ ' * 1000000', 'judged_' ~ loop.index) }} as metric_value
    from results
    where judged_{{ loop.index }} > 0
    union all
    {%- endfor %}
    {%- for metric, column in {'open_exceptions': 'open_count', 'overdue_exceptions': 'overdue_count'}.items() %}
    select
        scopes.org_id,
        scopes.stream,
        '{{ metric }}' as metric,
        'now' as time_window,
        'count' as unit,
        coalesce(open_exceptions.{{ column }}, 0) as metric_value
    from scopes
    left join open_exceptions
        on scopes.org_id = open_exceptions.org_id and scopes.stream = open_exceptions.stream
    union all
    {%- endfor %}
    {%- if has_audit() %}
    {%- for metric, columns in {
        'runs': ['count', 'run_count'], 'failed_runs': ['count', 'failed_count']
    }.items() %}
    select
        {{ no_org }} as org_id,
        stream,
        '{{ metric }}' as metric,
        time_window,
        '{{ columns[0] }}' as unit,
        {{ columns[1] }} as metric_value
    from run_counts
    union all
    {%- endfor %}
    select
        {{ no_org }} as org_id,
        stream,
        'run_success_rate' as metric,
        time_window,
        'ppm' as unit,
        {{ integer_divide('succeeded_count * 1000000', '(succeeded_count + failed_count)') }} as metric_value
    from run_counts
    where succeeded_count + failed_count > 0
    union all
    select
        {{ no_org }} as org_id,
        {{ no_org }} as stream,
        'retry_recovery_rate' as metric,
        time_window,
        'ppm' as unit,
        {{ integer_divide('recovered_count * 1000000', 'failed_count') }} as metric_value
    from recoveries
    where failed_count > 0
    union all
    {%- for percentile in ['p50', 'p95'] %}
    select
        {{ no_org }} as org_id,
        stream,
        'run_duration_{{ percentile }}' as metric,
        time_window,
        'milliseconds' as unit,
        {{ percentile }} as metric_value
    from durations
    union all
    {%- endfor %}
    {%- endif %}
    {%- if facts.late_feeds is defined %}
    {%- for metric, columns in {'late_feeds': ['count', 'late_count'], 'late_feed_delay': ['seconds', 'late_seconds']}.items() %}
    select
        org_id,
        {{ no_org }} as stream,
        '{{ metric }}' as metric,
        'now' as time_window,
        '{{ columns[0] }}' as unit,
        max({{ columns[1] }}) as metric_value
    from late_feeds
    group by org_id
    union all
    {%- endfor %}
    {%- endif %}
    {%- if facts.verified %}
    {%- for metric, unit in {'artifacts': 'count', 'artifact_faults': 'count', 'artifact_verification_age': 'seconds'}.items() %}
    select
        {{ no_org }} as org_id,
        {{ no_org }} as stream,
        '{{ metric }}' as metric,
        'now' as time_window,
        '{{ unit }}' as unit,
        {{ facts.verified[metric] | int }} as metric_value
    union all
    {%- endfor %}
    {%- endif %}
    {%- for percentile in ['p50', 'p95'] %}
    select
        org_id,
        stream,
        'reconciliation_lag_{{ percentile }}' as metric,
        time_window,
        'seconds' as unit,
        {{ percentile }} as metric_value
    from lag_percentiles
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

health_metrics as (
    select
        cast(org_id as {{ type_text() }}) as org_id,
        cast(stream as {{ type_text() }}) as stream,
        cast(metric as {{ type_text() }}) as metric,
        cast(time_window as {{ type_text() }}) as time_window,
        cast(unit as {{ type_text() }}) as unit,
        cast(metric_value as bigint) as metric_value
    from metrics
)

select *
from health_metrics
