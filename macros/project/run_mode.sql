{#
    Whose records a run judges: 'daily' for everybody's, 'hourly' for those of counterparties whose policy says HOURLY, in streams that know modes (`hourly_window`).
    From the environment, as the run's clock is; dbt on its own judges everybody's.
#}
{% macro run_mode() -%}
    {%- set given = dbt_metadata_envs.get('TIEOUT_MODE') if dbt_metadata_envs else none -%}
    {{- return('hourly' if given == 'hourly' else 'daily') -}}
{%- endmacro %}

{# The streams that know modes. #}
{% macro _streams_with_modes() -%}
    {%- set names = [] -%}
    {%- for name, declared in var('streams').items() if declared.get('hourly_window') is not none -%}{%- do names.append(name) -%}{%- endfor -%}
    {{ return(names) }}
{%- endmacro %}
