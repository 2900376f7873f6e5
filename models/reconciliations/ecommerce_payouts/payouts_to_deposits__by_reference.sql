{{ reconcile(
    ladder='payouts_to_deposits',
    match=one_to_many(on=['payment_ref', 'currency'], pairs=true)
) }}
