{{ stage(feed='adyen/settlement_details') }}
