{{ dispositions(records='oms_orders') }}
