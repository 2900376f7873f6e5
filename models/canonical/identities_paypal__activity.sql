{{ config(materialized='view') }}
-- Every line that moves money counts, those of an unknown kind too: what they mean is our matter, that they add up is the file's.
with activity_lines as (
    select
        org_id,
        'row_identity' as balance,
        'net' as scope,
        currency,
        gross_minor + coalesce(fee_minor, 0) as expected,
        net_minor as actual,
        gross_minor + coalesce(fee_minor, 0) = net_minor as holds,
        batch_id,
        row_number
    from {{ ref('stg_paypal__activity') }}
    where (kind is null or kind <> 'IGNORED') and gross_minor is not null and net_minor is not null
    union all
    select
        org_id,
        'continuity' as balance,
        'running balance' as scope,
        currency,
        balance_before_minor + net_minor as expected,
        balance_minor as actual,
        balance_before_minor + net_minor = balance_minor as holds,
        batch_id,
        row_number
    from {{ ref('paypal_activity__balances') }}
    where balance_before_minor is not null and balance_minor is not null and net_minor is not null
),

no_sums as (
    select
        org_id,
        balance,
        scope,
        currency,
        expected,
        actual,
        holds,
        batch_id
    from activity_lines
    where 1 = 0
)

{{ as_identities('paypal/activity', 'no_sums', lines='activity_lines') }}
