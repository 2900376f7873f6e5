select
    cast(null as varchar) as org_id,
    cast(null as varchar) as reasons
where false
