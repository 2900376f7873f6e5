select
    org_id,
    stream,
    result,
    count(*) as result_count
from {{ ref('reconciliation_results') }}
group by all
