{{ stage(feed='shopify/orders') }}
