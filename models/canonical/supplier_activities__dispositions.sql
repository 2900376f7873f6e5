{{ dispositions(records='supplier_activities', feed='supplier/activities') }}
