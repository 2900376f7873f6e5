{{ config(materialized='view') }}
-- Entries whose text names a processor, credits and debits.
select *
from {{ ref('bank_entries') }}
where counterparty_id <> 'other'
