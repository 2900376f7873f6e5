{{ unmatched(ladder='legs_to_payouts') }}
