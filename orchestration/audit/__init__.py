"""The audit: what ran, on what, with which rules, what came out, and the proof that nobody changed it since.

Append-only tables in the warehouse's schema `audit`, every row chained to the one before it (`chain`), written by
`recorder` through `ledger`; files of what each step came to (`artifacts`); and what reads them again: `verification`,
`tracing` and `listings`. See docs/audit.md.
"""
