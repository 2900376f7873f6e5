select
    'books' as of_what,
    org_id,
    'live' as balance,
    count(*) as expected,
    count(*) as actual,
    true as holds
from {{ ref('reconciliation_results') }}
group by org_id
