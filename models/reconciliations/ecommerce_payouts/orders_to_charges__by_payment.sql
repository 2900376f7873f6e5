{{ reconcile(ladder='orders_to_charges', match=one_to_one(on=['payment_ref'])) }}
