{{ rejected(feed='amazon/settlement_v2') }}
