{% macro generate_schema_name(custom_schema_name, node) -%}
    {{- return(custom_schema_name or target.schema) -}}
{%- endmacro %}

{# What had landed by the run's as_of. The data folder is asked for when it runs: a parse holds for every folder. #}
{% macro landed() -%}
    (
        select *
        from read_parquet('{{ env_var("TIEOUT_DATA_DIR") if execute }}/landing/pos/orders/*/*/records.parquet')
        where _received_at <= timestamp '{{ dbt_metadata_envs.get("TIEOUT_AS_OF") | replace("T", " ") | replace("Z", "") }}'
    )
{%- endmacro %}
