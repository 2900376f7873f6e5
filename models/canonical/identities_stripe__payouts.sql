{{ config(materialized='view') }}
{{ row_identity(feed='stripe/payouts', expected='staged.gross_minor - staged.fee_minor', actual='staged.net_minor') }}
