{{ reconcile(
    ladder='orders_to_charges',
    match=one_to_one(on=['currency', 'amount_minor'], within={'event_at': '10 minutes'}),
    on_match='ID_MISMATCH'
) }}
