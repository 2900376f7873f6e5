{{ config(materialized='view') }}
{{ row_identity(feed='shopify/payout_transactions', expected='staged.amount_minor - staged.fee_minor', actual='staged.net_minor') }}
union all
{{ payout_identity(
    feed='shopify/payout_transactions',
    payout="coalesce(staged.payout_id, cast(staged.payout_date as " ~ type_text() ~ ") || ' ' || staged.currency)",
    net='net'
) }}
