{{ unmatched(ladder='payouts_to_deposits') }}
