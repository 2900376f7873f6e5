{{ stage(feed='paypal/settlement') }}
