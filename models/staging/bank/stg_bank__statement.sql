{{ stage(feed='bank/statement') }}
