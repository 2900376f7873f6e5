-- Every order is missing in the target: a run needs results, not a reconciliation.
select
    _org_id || ':' || order_id as result_id,
    _org_id as org_id,
    'sales' as stream,
    'MISSING_TARGET' as result,
    order_id as source_activity_id,
    cast(sold_at as date) as business_date,
    currency as source_currency,
    cast(null as varchar) as target_currency,
    cast(total as bigint) as source_amount_minor,
    cast(null as bigint) as target_amount_minor,
    cast(null as bigint) as difference_minor,
    cast(hash(_org_id, order_id, total) >> 4 as bigint) as row_hash
from {{ landed() }}
