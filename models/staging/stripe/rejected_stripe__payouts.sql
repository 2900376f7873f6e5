{{ rejected(feed='stripe/payouts') }}
