select cast(null as varchar) as activity_id
where false
