{{ rejected(feed='tieout/exception_events') }}
