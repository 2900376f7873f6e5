{{ stage(feed='tieout/resolution_rules') }}
