{{ config(materialized='view') }}
{{ row_identity(feed='shopify/payout_transactions', expected='staged.amount_minor - staged.fee_minor', actual='staged.net_minor') }}
union all
{{ payout_identity(feed='shopify/payout_transactions', payout='payout_id', net='net') }}
