{{ stage(feed='tieout/policies') }}
