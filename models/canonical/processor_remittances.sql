{{ config(materialized='view') }}
-- Payouts that move money to or from the bank: those that failed do not, and their money comes with a later one.
-- Of a reference its first word is what both write alike: banks cut `TX...XT batch 57, ACCOUNT` where they like.
select
    {%- for column in _canonical_columns() %}
    {{ "split_part(payment_ref, ' ', 1) as payment_ref" if column == 'payment_ref' else column }}{{ ',' if not loop.last }}
    {%- endfor %}
from {{ ref('processor_payouts') }}
where status <> 'CANCELLED' and amount_minor <> 0
