{%- set fees = ['commission', 'markup', 'scheme_fees', 'interchange'] -%}
{{ canonical_legs(
    feed='adyen/settlement_details',
    columns={
        'id_parts': ['merchant_account', 'batch_number', 'type', 'psp_reference', 'modification_reference'],
        'counterparty_id': 'merchant_account',
        'order_ref': 'merchant_reference',
        'payment_ref': 'psp_reference',
        'batch_ref': [['merchant_account', 'batch_number', 'net_currency']],
        'description': 'modification_reference',
        'currency': 'net_currency',
        'event_at': 'creation_date',
    },
    legs=[
        {'amount': ['net_credit', '-net_debit'] + fees},
        {'suffix': 'fee', 'kind': 'FEE', 'amount': fees, 'sign': -1},
    ]
) }}
