{{ rejected(feed='aggregator/activities') }}
