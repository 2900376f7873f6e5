{{ rejected(feed='paypal/settlement') }}
