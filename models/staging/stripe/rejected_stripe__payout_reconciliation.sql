{{ rejected(feed='stripe/payout_reconciliation') }}
