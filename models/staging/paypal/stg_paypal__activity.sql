{{ stage(feed='paypal/activity') }}
