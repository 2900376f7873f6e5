{{ stage(feed='square/transactions') }}
