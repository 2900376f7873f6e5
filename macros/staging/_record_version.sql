{#
    A record's version as bigint: an integer as it is, a time as microseconds since 1970 UTC; null where it could not be read, 0 where the feed has none. From the
    columns of `typed`, or with `relation` from those of the staging model.
#}
{% macro _record_version(declaration, relation=none) -%}
    {%- set name = (declaration or {}).get('version_column') -%}
    {%- if not name -%}{{ return('cast(0 as bigint)') }}{%- endif -%}
    {%- set value = relation ~ '.' ~ name if relation else name ~ '__value' -%}
    {%- set type = (declaration.columns | selectattr('name', 'equalto', name) | first).type -%}
    {{ return(epoch_microseconds(value) if type == 'time' else value) }}
{%- endmacro %}
