{{ config(materialized='view') }}
-- Entries whose text names a processor, credits and debits, by the reference that the text holds.
-- Of a reference its first word is what both write alike: banks cut `TX...XT batch 57, ACCOUNT` where they like.
select
    {%- for column in _canonical_columns() %}
    {{ "split_part(batch_ref, ' ', 1) as payment_ref" if column == 'payment_ref' else column }}{{ ',' if not loop.last }}
    {%- endfor %}
from {{ ref('bank_entries') }}
where counterparty_id <> 'other'
