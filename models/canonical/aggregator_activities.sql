{{ canonical(
    feed='aggregator/activities',
    entity='activities',
    columns={
        'activity_id': 'activity_id',
        'activity_type': 'activity_type',
        'counterparty_id': 'supplier_id',
        'order_ref': 'order_ref',
        'status': 'status',
        'currency': 'currency',
        'amount': 'amount',
        'event_at': 'event_time',
    }
) }}
