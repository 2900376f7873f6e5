{{ reconcile(
    ladder='pos_oms_orders',
    match=one_to_one(on=['counterparty_id', 'currency', 'amount_minor'], within={'event_at': '15 minutes'}),
    on_match='ID_MISMATCH'
) }}
