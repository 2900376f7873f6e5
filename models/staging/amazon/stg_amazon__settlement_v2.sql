{{ stage(feed='amazon/settlement_v2') }}
