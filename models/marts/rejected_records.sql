{{ config(materialized='view') }}
-- Every record that did not make it: those that no model could use, and the decisions that an exception's state did not let through.
with refused_decisions as (
    select
        decisions.org_id,
        'tieout/exception_events' as feed,
        decisions.source_file,
        decisions.received_at,
        decisions.batch_id,
        decisions.row_number,
        cast(null as bigint) as line_number,
        cast(null as bigint) as line_span,
        decisions.event_id as record_id,
        cast(null as {{ type_text() }}) as column_name,
        decisions.action || ' | ' || decisions.exception_id || ' | ' || decisions.actor as value,
        refused.refusal as reasons
    from {{ ref('exception_timeline') }} as refused
    inner join {{ ref('exception_decisions') }} as decisions
        on refused.batch_id = decisions.batch_id and refused.row_number = decisions.row_number
    where refused.refusal is not null
),

rejected_records as (
    select
        org_id,
        feed,
        source_file,
        row_number,
        line_number,
        line_span,
        record_id,
        column_name,
        value,
        reasons,
        received_at,
        batch_id
    from {{ ref('unusable_records') }}
    union all
    select
        org_id,
        feed,
        source_file,
        row_number,
        line_number,
        line_span,
        record_id,
        column_name,
        value,
        reasons,
        received_at,
        batch_id
    from refused_decisions
)

select *
from rejected_records
