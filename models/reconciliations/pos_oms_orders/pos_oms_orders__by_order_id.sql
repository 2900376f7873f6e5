{{ reconcile(ladder='pos_oms_orders', match=one_to_one(on=['activity_id'])) }}
