{{ rejected(feed='oms/orders') }}
