{% snapshot exception_states %}
{{ config(
    schema='audit', strategy='timestamp', unique_key='exception_id', updated_at='last_event_at', hard_deletes='ignore'
) }}
-- The state of every exception, as it was from run to run.
select
    exception_id,
    org_id,
    stream,
    ladder,
    anomaly,
    state,
    resolution,
    severity,
    owner,
    proposed_resolution,
    proposed_by,
    opened_at,
    due_at,
    closed_at,
    last_event_at,
    reopen_count,
    currency,
    amount_minor
from {{ ref('exceptions') }}
{% endsnapshot %}
