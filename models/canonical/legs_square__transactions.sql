{{ canonical_legs(
    feed='square/transactions',
    columns={
        'activity_id': 'payment_id',
        'counterparty_id': 'location',
        'order_ref': 'order_reference_id',
        'payment_ref': 'payment_id',
        'batch_ref': 'deposit_id',
        'description': 'description',
        'currency': 'currency',
        'event_at': 'sold_at',
    },
    legs=[
        {'amount': 'card', 'optional': true},
        {'suffix': 'fee', 'kind': 'FEE', 'amount': 'fees'},
    ]
) }}
