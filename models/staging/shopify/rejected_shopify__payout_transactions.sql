{{ rejected(feed='shopify/payout_transactions') }}
