{{ canonical_legs(
    feed='shopify/payout_transactions',
    columns={
        'id_parts': ['transaction_date', 'type', 'order_name', 'checkout', 'amount', 'fee', 'currency'],
        'counterparty_id': 'business_entity_name',
        'order_ref': 'order_name',
        'payment_ref': 'checkout',
        'batch_ref': ['payout_id', ['payout_date', 'currency']],
        'description': 'payout_status',
        'currency': 'currency',
        'event_at': 'transaction_date',
    },
    legs=[
        {'amount': 'amount'},
        {'suffix': 'fee', 'kind': 'FEE', 'amount': 'fee', 'sign': -1},
    ]
) }}
