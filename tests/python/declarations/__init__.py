"""Declarations: what a wrong one says, and that a right one is all that a new system needs."""
