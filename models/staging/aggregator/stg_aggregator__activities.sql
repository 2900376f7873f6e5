{{ stage(feed='aggregator/activities') }}
