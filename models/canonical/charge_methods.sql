{{ config(materialized='view') }}
-- How each charge was paid, in the words that fees are contracted in.
{%- set methods = {
    'shopify/payout_transactions': 'card_brand',
    'stripe/payout_reconciliation': 'payment_method_type',
    'adyen/settlement_details': 'payment_method',
    'paypal/settlement': none,
    'paypal/activity': none,
    'square/transactions': 'card_entry_methods',
} %}
{%- for feed, column in methods.items() %}
select
    batch_id,
    row_number,
    {{ column or text_literal(none) }} as method
from {{ ref('stg_' ~ feed | replace('/', '__')) }}
where is_valid and kind = 'CHARGE'
{{- '\nunion all' if not loop.last }}
{%- endfor %}
