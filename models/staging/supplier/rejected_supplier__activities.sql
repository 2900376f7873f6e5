{{ rejected(feed='supplier/activities') }}
