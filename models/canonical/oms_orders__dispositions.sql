{{ dispositions(records='oms_orders', feed='oms/orders') }}
