{{ config(materialized='view') }}
-- Orders that a processor should have been paid for: not voided, not unpaid, not by gift card or cash.
select *
from {{ ref('shop_orders') }}
where status not in ('CANCELLED', 'NO_PROCESSOR', 'UNPAID')
