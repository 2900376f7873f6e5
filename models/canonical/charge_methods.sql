{{ config(materialized='view') }}
-- How a customer paid, where the processor tells: contracts of fees go by it.
{%- set columns = {
    'shopify/payout_transactions': 'card_brand', 'stripe/payout_reconciliation': 'payment_method_type', 'adyen/settlement_details': 'payment_method',
    'square/transactions': 'card_entry_methods', 'paypal/settlement': none, 'paypal/activity': none
} %}
with charge_methods as (
    {%- for feed, column in columns.items() %}
    select
        staged.batch_id,
        staged.row_number,
        {{ 'staged.' ~ column if column else text_literal(none) }} as method
    from {{ ref('stg_' ~ feed | replace('/', '__')) }} as staged
    where staged.is_valid
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
)

select
    batch_id,
    row_number,
    cast(method as {{ type_text() }}) as method
from charge_methods
