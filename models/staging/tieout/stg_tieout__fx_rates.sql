{{ stage(feed='tieout/fx_rates') }}
