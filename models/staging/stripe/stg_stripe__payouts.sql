{{ stage(feed='stripe/payouts') }}
