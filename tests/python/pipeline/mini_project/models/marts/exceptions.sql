select
    result_id as exception_id,
    org_id,
    stream,
    'MISSING_OMS' as anomaly,
    'OPEN' as state,
    source_currency as currency,
    source_amount_minor as amount_minor,
    'The order is in pos and not in oms.' as explanation,
    'Look it up.' as next_action,
    business_date,
    'orders.csv' as source_file,
    cast(1 as bigint) as source_row_number,
    cast(null as varchar) as target_file,
    cast(null as bigint) as target_row_number
from {{ ref('reconciliation_results') }}
