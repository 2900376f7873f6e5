{{ stage(feed='stripe/payout_reconciliation') }}
