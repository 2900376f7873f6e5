"""The stream bookings: its rules, its modes, and a plain oracle of both."""
