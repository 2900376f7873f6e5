{{ reconcile(
    ladder='legs_to_payouts',
    match=many_to_one(on=['system', 'batch_ref', 'currency'], sum_of='net_minor')
) }}
