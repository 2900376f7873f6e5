{{ stage(feed='shopify/payouts') }}
