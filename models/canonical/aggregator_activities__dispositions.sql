{{ dispositions(records='aggregator_activities', feed='aggregator/activities') }}
