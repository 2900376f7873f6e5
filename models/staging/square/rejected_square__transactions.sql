{{ rejected(feed='square/transactions') }}
