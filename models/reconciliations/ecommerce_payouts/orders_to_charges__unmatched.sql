{{ unmatched(ladder='orders_to_charges') }}
