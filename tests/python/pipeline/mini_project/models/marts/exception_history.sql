select
    cast(null as varchar) as org_id,
    cast(null as varchar) as exception_id,
    cast(null as integer) as event_number
where false
