{{ stage(feed='oms/orders') }}
