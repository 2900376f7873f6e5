{{ consistency(stream='bookings') }}
