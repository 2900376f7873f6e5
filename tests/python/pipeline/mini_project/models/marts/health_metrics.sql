select cast(null as varchar) as org_id
where false
