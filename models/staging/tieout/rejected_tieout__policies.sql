{{ rejected(feed='tieout/policies') }}
