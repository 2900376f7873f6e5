{{ dispositions(records='pos_orders', feed='pos/orders') }}
