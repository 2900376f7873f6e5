{{ unmatched(ladder='pos_oms_orders') }}
