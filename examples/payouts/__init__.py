"""One true world of orders, payments, payouts and deposits, written as the files that processors and banks export.

`python -m examples.payouts --help`; how it works stands in README.md beside this file.
"""
