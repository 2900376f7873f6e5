{{ config(materialized='view') }}
{{ row_identity(feed='stripe/payout_reconciliation', expected='staged.gross_minor - staged.fee_minor', actual='staged.net_minor') }}
union all
{{ payout_identity(feed='stripe/payout_reconciliation', payout='staged.automatic_payout_id', net='net') }}
