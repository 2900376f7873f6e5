{{ reconcile(
    ladder='legs_to_payouts',
    match=reversal_pairs(
        side='source',
        on=['system', 'payment_ref', 'currency'],
        between={'activity_type': ['CHARGE', 'REFUND']},
        sum_of='net_minor',
        without=['batch_ref']
    )
) }}
