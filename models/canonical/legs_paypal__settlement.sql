{{ canonical_legs(
    feed='paypal/settlement',
    columns={
        'activity_id': 'transaction_id',
        'counterparty_id': 'account_id',
        'order_ref': ['invoice_id', 'custom_field'],
        'payment_ref': ['original_transaction_id', 'transaction_id'],
        'batch_ref': 'payout_id',
        'description': 'bank_reference_id',
        'currency': 'gross_transaction_currency',
        'event_at': 'transaction_initiation_date',
    },
    legs=[
        {'amount': 'gross_transaction_amount'},
        {'suffix': 'fee', 'kind': 'FEE', 'amount': 'fee_amount'},
    ]
) }}
