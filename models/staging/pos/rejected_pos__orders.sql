{{ rejected(feed='pos/orders') }}
