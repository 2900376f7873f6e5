{{ rejected(feed='tieout/accepted_differences') }}
