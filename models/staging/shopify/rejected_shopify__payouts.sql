{{ rejected(feed='shopify/payouts') }}
