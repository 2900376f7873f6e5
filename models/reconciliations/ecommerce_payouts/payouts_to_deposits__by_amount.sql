{{ reconcile(
    ladder='payouts_to_deposits',
    match=one_to_one(
        on=['counterparty_id', 'currency', 'amount_minor'],
        within={'business_date': '0 to 5 business days'}
    )
) }}
