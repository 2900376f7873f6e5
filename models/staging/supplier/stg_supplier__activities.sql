{{ stage(feed='supplier/activities') }}
