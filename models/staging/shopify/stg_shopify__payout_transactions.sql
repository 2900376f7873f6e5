{{ stage(feed='shopify/payout_transactions') }}
