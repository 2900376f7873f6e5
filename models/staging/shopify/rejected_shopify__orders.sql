{{ rejected(feed='shopify/orders') }}
