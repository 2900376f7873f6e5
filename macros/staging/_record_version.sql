{# A staged record's version as bigint: an integer as it is, a time as microseconds since 1970 UTC; null where it could not be read. #}
{% macro _record_version(declaration, relation) -%}
    {%- set name = (declaration or {}).get('version_column') -%}
    {%- if not name -%}{{ return('cast(0 as bigint)') }}{%- endif -%}
    {%- set type = (declaration.columns | selectattr('name', 'equalto', name) | first).type -%}
    {%- if type == 'time' -%}
        {{ return(epoch_microseconds(relation ~ '.' ~ name)) }}
    {%- endif -%}
    {{ return(relation ~ '.' ~ name) }}
{%- endmacro %}
