with activity_legs as (
    {{ canonical_legs(
        feed='paypal/activity',
        columns={
            'activity_id': 'transaction_id',
            'order_ref': 'invoice_number',
            'payment_ref': ['reference_txn_id', 'transaction_id'],
            'description': 'type',
            'currency': 'currency',
            'event_at': 'booked_at',
        },
        legs=[
            {'amount': 'gross'},
            {'suffix': 'fee', 'kind': 'FEE', 'amount': 'fee'},
        ]
    ) | indent(4) }}
),

legs_of_payouts as (
    select
        {%- for column in _canonical_columns() if column != 'content_hash' %}
        {{ 'balances.payout_id as batch_ref' if column == 'batch_ref' else 'activity_legs.' ~ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from activity_legs
    left join {{ ref('paypal_activity__balances') }} as balances
        on activity_legs.batch_id = balances.batch_id and activity_legs.row_number % 1000000000000 = balances.row_number
)

{{ as_canonical('legs_of_payouts', 'paypal', 'legs') }}
