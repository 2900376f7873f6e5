{{ canonical_legs(
    feed='amazon/settlement_v2',
    columns={
        'id_parts': [
            'settlement_id', 'transaction_type', 'order_id', 'adjustment_id', 'shipment_id', 'order_item_code', 'merchant_adjustment_item_id', 'amount_type',
            'amount_description', 'promotion_id'
        ],
        'counterparty_id': 'marketplace_name',
        'order_ref': ['merchant_order_id', 'order_id'],
        'payment_ref': 'order_id',
        'batch_ref': 'settlement_id',
        'description': 'amount_description',
        'currency': 'currency',
        'event_at': ['posted_date_time', 'deposit_date'],
    },
    legs=[{'amount': 'amount'}]
) }}
