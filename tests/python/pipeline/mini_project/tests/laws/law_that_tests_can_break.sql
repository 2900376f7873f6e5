-- depends_on: {{ ref('reconciliation_results') }}
{{ config(tags=['law']) }}
select 1 as contradiction
where '{{ dbt_metadata_envs.get("MINI_LAW", "holds") if dbt_metadata_envs else "holds" }}' = 'broken'
