{{ config(tags=['law'], meta={'law': 2, 'dagster': {'ref': {'name': 'control_totals'}}}) }}
-- Law 2, consumed once. Guards that within a ladder every live record is a member of exactly one result: money that is in two matches would hide a loss. The
-- sum of the records' fingerprints over the results must be the sum over the live records; twice the one and none of another is caught, which counts
-- alone would not see. The same for surplus copies and conflicting records.
select
    org_id,
    balance,
    scope,
    side,
    currency,
    expected,
    actual
from {{ ref('control_totals') }}
where of_what = 'books' and unit = 'records' and holds is distinct from true
