{{ rejected(feed='paypal/activity') }}
