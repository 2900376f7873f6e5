{% macro generate_schema_name(custom_schema_name, node) -%}
    {#- The declared schema as it is: `marts` is `marts`. A replay on a shared server puts its own prefix before every schema. -#}
    {{- return(env_var('TIEOUT_SCHEMA_PREFIX', '') ~ ((custom_schema_name or target.schema) | trim)) -}}
{%- endmacro %}
