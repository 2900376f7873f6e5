{{ canonical_legs(
    feed='stripe/payout_reconciliation',
    columns={
        'activity_id': 'balance_transaction_id',
        'counterparty_id': 'connected_account_id',
        'order_ref': ['order_reference', 'invoice_number'],
        'payment_ref': ['payment_intent_id', 'charge_id'],
        'batch_ref': 'automatic_payout_id',
        'description': 'description',
        'currency': 'currency',
        'event_at': ['created_utc', 'created'],
    },
    legs=[
        {'amount': 'gross'},
        {'suffix': 'fee', 'kind': 'FEE', 'amount': 'fee', 'sign': -1},
    ]
) }}
