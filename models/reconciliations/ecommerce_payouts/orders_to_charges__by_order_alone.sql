{{ reconcile(ladder='orders_to_charges', match=one_to_one(on=['order_ref'])) }}
