{{ rejected(feed='tieout/fx_rates') }}
