{{ rejected(feed='adyen/settlement_details') }}
