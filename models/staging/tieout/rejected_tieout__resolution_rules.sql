{{ rejected(feed='tieout/resolution_rules') }}
