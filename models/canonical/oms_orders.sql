{{ canonical(
    feed='oms/orders',
    entity='orders',
    activity_type='ORDER',
    columns={
        'activity_id': 'order_id',
        'counterparty_id': 'location_id',
        'order_ref': 'order_id',
        'description': 'description',
        'status': 'state',
        'currency': 'currency',
        'amount': 'order_total',
        'event_at': 'placed_at',
    }
) }}
