{{ config(materialized='view') }}
-- Payouts that move money to or from the bank: those that failed do not, and their money comes with a later one.
select *
from {{ ref('processor_payouts__dispositions') }}
where status <> 'CANCELLED' and amount_minor <> 0
