{{ reconcile(ladder='bookings', match=one_to_one(on=['activity_id'])) }}
