{{ dispositions(records='processor_payouts', feed=var('entities')['processor/payouts'].feeds, derived=true) }}
