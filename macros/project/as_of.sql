{#
    The only now: the run's `as_of` as a UTC timestamp constant. It comes from the environment, so that changing it costs no new parse;
    dbt on its own takes its start.
#}
{% macro as_of() -%}
    {%- set given = dbt_metadata_envs.get('TIEOUT_AS_OF') if dbt_metadata_envs else none -%}
    {%- set text = (given | replace('T', ' ') | replace('Z', '')) if given else run_started_at.strftime('%Y-%m-%d %H:%M:%S.%f') -%}
    {{- return(timestamp_literal(text)) -}}
{%- endmacro %}
