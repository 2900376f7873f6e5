{{ stage(feed='pos/orders') }}
