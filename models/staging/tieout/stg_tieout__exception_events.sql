{{ stage(feed='tieout/exception_events') }}
