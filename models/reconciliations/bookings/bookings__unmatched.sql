{{ unmatched(ladder='bookings') }}
