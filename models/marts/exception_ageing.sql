-- What is not resolved, by how bad and how old it is. Amounts of different currencies are never added.
with counted as (
    select
        org_id,
        stream,
        severity,
        ageing_bucket,
        currency,
        count(*) as open_count,
        sum(case when is_overdue then 1 else 0 end) as overdue_count,
        sum(amount_minor) as amount_minor,
        sum(exposure_base_minor) as exposure_base_minor
    from {{ ref('exceptions') }}
    where state <> 'RESOLVED'
    group by org_id, stream, severity, ageing_bucket, currency
),

exception_ageing as (
    select
        org_id,
        stream,
        severity,
        ageing_bucket,
        currency,
        cast(open_count as bigint) as open_count,
        cast(overdue_count as bigint) as overdue_count,
        cast(amount_minor as {{ type_decimal(38, 0) }}) as amount_minor,
        cast(exposure_base_minor as {{ type_decimal(38, 0) }}) as exposure_base_minor
    from counted
)

select *
from exception_ageing
