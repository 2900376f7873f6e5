{{ canonical(
    feed='pos/orders',
    entity='orders',
    activity_type='ORDER',
    columns={
        'activity_id': 'order_id',
        'counterparty_id': 'store_id',
        'order_ref': 'order_id',
        'description': 'description',
        'status': 'status',
        'currency': 'currency',
        'amount': 'total',
        'event_at': 'created_at',
    }
) }}
