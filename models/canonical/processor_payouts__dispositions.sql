{{ dispositions(records='processor_payouts', feed=var('entities')['processor/payouts'].feeds + var('entities')['processor/payouts'].looks_at, derived=true) }}
