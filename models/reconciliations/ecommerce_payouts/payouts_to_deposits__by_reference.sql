{{ reconcile(ladder='payouts_to_deposits', match=one_to_one(on=['payment_ref', 'currency'])) }}
