{{ rejected(feed='bank/statement') }}
