{#
    What a run knows of its own health and no table holds, as the orchestrator says it at the run's beginning: `late_feeds` (org to how many and, of the latest, by how
    many seconds) and `verified` (the last proof of the audit). From the environment, as the run's clock is; nothing where dbt runs by itself.
#}
{% macro health_facts() -%}
    {%- set given = dbt_metadata_envs.get('TIEOUT_HEALTH') if dbt_metadata_envs else none -%}
    {{- return(fromjson(given) if given else {}) -}}
{%- endmacro %}
