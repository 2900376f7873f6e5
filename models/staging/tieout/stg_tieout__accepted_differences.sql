{{ stage(feed='tieout/accepted_differences') }}
