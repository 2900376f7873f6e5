{{ config(materialized='view') }}
-- What customers paid: the legs that orders are held against.
select *
from {{ ref('processor_legs__dispositions') }}
where activity_type = 'CHARGE'
