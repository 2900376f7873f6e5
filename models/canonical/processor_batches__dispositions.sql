{{ config(materialized='view') }}
-- Payouts whose lines the processor tells; of the others nobody can say what they hold.
select *
from {{ ref('processor_payouts__dispositions') }}
where status <> 'NOT_ITEMISABLE'
