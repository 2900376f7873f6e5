{{ config(materialized='table') }}
-- Every decision that takes records out of the steps' hands, a match by hand or an exclusion, with the records that it names and whether it is in force.
with decisions as (
    select
        exception_decisions.*,
        row_number() over (
            partition by org_id, exception_id
            order by received_at, decided_at, {{ by_bytes('event_id') }}
        ) as number
    from {{ ref('exception_decisions') }} as exception_decisions
    where fault is null
),

pinning as (
    select *
    from decisions
    where action in ('FORCE_MATCH', 'EXCLUDE')
),

-- the live records that decisions name, by ladder and side
named_records as (
    {%- for name in _ladder_names() %}
    {%- set ladder = _ladder(name) %}
    {%- set outer = loop %}
    {%- for role in ['source', 'target'] %}
    select
        pinning.org_id,
        pinning.event_id,
        pinning.batch_id as decision_batch_id,
        pinning.row_number as decision_row_number,
        '{{ role | upper }}' as side
        {%- for column in _pinned_columns() %},
        records.{{ column }}
        {%- endfor %}
    from pinning
    inner join {{ ref(ladder[role].records) }} as records
        on
            pinning.org_id = records.org_id
            and pinning.{{ role }}_activity_id = records.activity_id
            and coalesce(pinning.{{ role }}_system, records.system) = records.system
    left join {{ ref(ladder[role].settled) }} as settled
        on records.batch_id = settled.batch_id and records.row_number = settled.row_number
    where pinning.ladder = '{{ name }}' and settled.batch_id is null{{ of_orgs(ladder.stream, 'pinning.org_id') }}
    {{- '\n    union all' if not (loop.last and outer.last) }}
    {%- endfor %}
    {%- endfor %}
),

-- an id that several systems of a side have names none of them
records_of_sides as (
    select
        named_records.*,
        count(*) over (partition by decision_batch_id, decision_row_number, side) as candidates
    from named_records
),

with_records as (
    select
        pinning.org_id,
        pinning.exception_id,
        pinning.event_id,
        pinning.number,
        pinning.action,
        pinning.actor,
        pinning.reason,
        pinning.received_at,
        pinning.decided_at,
        pinning.ladder,
        case pinning.ladder
            {%- for name in _ladder_names() %}
            when '{{ name }}' then '{{ _ladder(name).stream }}'
            {%- endfor %}
        end as stream,
        pinning.source_activity_id as named_source_id,
        pinning.target_activity_id as named_target_id,
        {%- for role in ['source', 'target'] %}
        {%- for column in _pinned_columns() %}
        {{ role }}_records.{{ column }} as {{ role }}_{{ column }},
        {%- endfor %}
        {%- endfor %}
        pinning.batch_id as decision_batch_id,
        pinning.row_number as decision_row_number
    from pinning
    {%- for role in ['source', 'target'] %}
    left join records_of_sides as {{ role }}_records
        on
            pinning.batch_id = {{ role }}_records.decision_batch_id
            and pinning.row_number = {{ role }}_records.decision_row_number
            and {{ role }}_records.side = '{{ role | upper }}'
            and {{ role }}_records.candidates = 1
    {%- endfor %}
),

-- a pin is about records and not about an anomaly: rules of every anomaly count
records_of_pins as (
    select
        decision_batch_id || '/' || cast(decision_row_number as {{ type_text() }}) as exception_id,
        org_id,
        stream,
        coalesce(source_counterparty_id, target_counterparty_id) as counterparty_id,
        coalesce(source_business_date, target_business_date) as business_date,
        coalesce(source_currency, target_currency) as currency,
        -- no difference of the two is more than this
        case
            when source_batch_id is null then abs(target_amount_minor)
            when target_batch_id is null then abs(source_amount_minor)
            else abs(source_amount_minor) + abs(target_amount_minor)
        end as amount_minor,
        source_activity_id,
        target_activity_id
    from with_records
),

{{ _dealt_with('records_of_pins', fields=['approval_from_minor'], any_anomaly=true) }},

limited as (
    select
        with_records.*,
        (
            with_records.action = 'FORCE_MATCH'
            -- what cannot be seen takes two people too
            and coalesce(greatest(abs(with_records.source_amount_minor), abs(with_records.target_amount_minor)) >= dealt_with.approval_from_minor, true)
        )
        or dealt_with.has_manual_rule as needs_approval
    from with_records
    inner join dealt_with
        on with_records.decision_batch_id || '/' || cast(with_records.decision_row_number as {{ type_text() }}) = dealt_with.exception_id
),

-- what came later about the same exception: a decision that takes its place, a refusal, an approval by somebody else
followed as (
    select
        limited.decision_batch_id,
        limited.decision_row_number,
        min(case when later.action in ('FORCE_MATCH', 'EXCLUDE') then later.number end) as replaced_by,
        min(case when later.action = 'REOPEN' then later.number end) as first_reopened_by,
        max(case when later.action = 'REOPEN' then later.number end) as last_reopened_by,
        min(case when later.action = 'REJECT' then later.number end) as rejected_by,
        min(case when later.action = 'APPROVE' and {{ ascii_lower('later.actor') }} <> {{ ascii_lower('limited.actor') }} then later.number end) as approved_by
    from limited
    inner join decisions as later
        on limited.org_id = later.org_id and limited.exception_id = later.exception_id and later.number > limited.number
    group by limited.decision_batch_id, limited.decision_row_number
),

standing as (
    select
        limited.*,
        followed.replaced_by is null
        -- an approval counts before a refusal; without either what needs none stands
        and case
            when followed.approved_by < coalesce(followed.rejected_by, followed.approved_by + 1)
                then coalesce(followed.last_reopened_by < followed.approved_by, true)
            when followed.rejected_by is not null then false
            else not limited.needs_approval and followed.first_reopened_by is null
        end as stands
    from limited
    left join followed
        on limited.decision_batch_id = followed.decision_batch_id and limited.decision_row_number = followed.decision_row_number
),

-- of two decisions about one record the later one counts
claims as (
    {%- for role in ['source', 'target'] %}
    select
        decision_batch_id,
        decision_row_number,
        row_number() over (
            partition by org_id, ladder, {{ role }}_batch_id, {{ role }}_row_number
            order by received_at desc, decided_at desc, {{ by_bytes('event_id') }} desc
        ) as place
    from standing
    where stands and {{ role }}_batch_id is not null
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

worst_claims as (
    select
        decision_batch_id,
        decision_row_number,
        max(place) as place
    from claims
    group by decision_batch_id, decision_row_number
),

pins as (
    select
        standing.*,
        coalesce(standing.stands and worst_claims.place = 1, false)
        and (standing.action = 'EXCLUDE' or (standing.source_batch_id is not null and standing.target_batch_id is not null)) as is_in_force
    from standing
    left join worst_claims
        on standing.decision_batch_id = worst_claims.decision_batch_id and standing.decision_row_number = worst_claims.decision_row_number
)

select
    org_id,
    exception_id,
    event_id,
    cast(action as {{ type_text() }}) as action,
    actor,
    reason,
    ladder,
    cast(stream as {{ type_text() }}) as stream,
    named_source_id,
    named_target_id,
    {%- for role in ['source', 'target'] %}
    {%- for column in _pinned_columns() %}
    {{ role }}_{{ column }},
    {%- endfor %}
    {%- endfor %}
    needs_approval,
    -- a decision about a record that is not there, or not there any more, decides nothing
    cast(case
        when action = 'FORCE_MATCH' and source_batch_id is null then 'source_activity_id: no_live_record'
        when action = 'FORCE_MATCH' and target_batch_id is null then 'target_activity_id: no_live_record'
        when source_batch_id is null and target_batch_id is null then 'source_activity_id: no_live_record'
    end as {{ type_text() }}) as fault,
    is_in_force,
    decision_batch_id,
    decision_row_number
from pins
