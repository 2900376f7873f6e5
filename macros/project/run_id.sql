{# The id of the run, a text constant: the pipeline's, or dbt's own invocation id. #}
{% macro run_id() -%}
    {%- set given = dbt_metadata_envs.get('TIEOUT_RUN_ID') if dbt_metadata_envs else none -%}
    {{- return("'" ~ ((given or invocation_id) | replace("'", "''")) ~ "'") -}}
{%- endmacro %}
