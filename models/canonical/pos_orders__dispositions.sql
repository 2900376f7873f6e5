{{ dispositions(records='pos_orders') }}
