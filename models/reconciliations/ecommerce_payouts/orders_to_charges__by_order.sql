{{ reconcile(
    ladder='orders_to_charges',
    match=one_to_many(on=['order_ref', 'currency'], once_per=['payment_ref', 'batch_ref'])
) }}
