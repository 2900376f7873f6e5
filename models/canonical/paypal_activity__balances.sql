{{ config(materialized='view') }}
-- The lines of an activity download in the order of their balance, each with the payout that took it. A download begins with the newest line or with the
-- oldest; a stretch of lines ends with a withdrawal, which took all of them where the balance was nothing before the first and nothing (or less, which
-- no withdrawal can leave behind) after the withdrawal. Of any other stretch nobody can say.
-- So the order of the rows and the file that they stand in are content here: each balance is that of the row before and the row's net. A download whose rows
-- were sorted anew or torn apart is another statement, and its balances say so (`continuity` of identities_paypal__activity).
with lines as (
    select
        org_id,
        batch_id,
        row_number,
        received_at,
        transaction_id,
        currency,
        net_minor,
        balance_minor,
        booked_at,
        kind = 'PAYOUT' as is_payout
    from {{ ref('stg_paypal__activity') }}
    where kind is null or kind <> 'IGNORED'
),

ends as (
    select
        batch_id,
        currency,
        min(row_number) as first_row,
        max(row_number) as last_row
    from lines
    group by batch_id, currency
),

directions as (
    select
        ends.batch_id,
        ends.currency,
        case when last_lines.booked_at < first_lines.booked_at then -1 else 1 end as direction
    from ends
    inner join lines as first_lines on ends.batch_id = first_lines.batch_id and ends.first_row = first_lines.row_number
    inner join lines as last_lines on ends.batch_id = last_lines.batch_id and ends.last_row = last_lines.row_number
),

ordered as (
    select
        lines.*,
        lines.row_number * directions.direction as place
    from lines
    inner join directions on lines.batch_id = directions.batch_id and lines.currency = directions.currency
),

placed as (
    select
        ordered.*,
        lag(balance_minor) over (partition by batch_id, currency order by place) as balance_before_minor,
        lag(place) over (partition by batch_id, currency order by place) is null as is_first,
        sum(case when is_payout then 1 else 0 end) over (partition by batch_id, currency order by place)
        - case when is_payout then 1 else 0 end as stretch
    from ordered
),

stretches as (
    select
        batch_id,
        currency,
        stretch,
        max(case when is_payout then transaction_id end) as payout_id,
        max(case when is_payout then balance_minor end) as left_minor,
        min(case when is_first then balance_minor - net_minor end) as opening_minor
    from placed
    group by batch_id, currency, stretch
),

judged as (
    select
        batch_id,
        currency,
        stretch,
        payout_id,
        left_minor <= 0
        and (opening_minor = 0 or lag(left_minor) over (partition by batch_id, currency order by stretch) <= 0) as is_emptied
    from stretches
)

select
    placed.org_id,
    placed.batch_id,
    placed.row_number,
    placed.received_at,
    placed.transaction_id,
    placed.currency,
    placed.net_minor,
    placed.balance_minor,
    placed.balance_before_minor,
    placed.is_payout,
    case when judged.is_emptied then judged.payout_id end as payout_id
from placed
inner join judged
    on placed.batch_id = judged.batch_id and placed.currency = judged.currency and placed.stretch = judged.stretch
