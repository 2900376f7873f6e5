{#
    Further columns of a canonical model's records, which ladders may compare: names from the registry (vars.attributes, by feed), each a column of its feed. They stand
    behind the canonical columns and belong to the record's content.

    records: the canonical model, '<system>_<feed>'.
#}
{% macro _attributes(records) -%}
    {%- for feed, names in (var('attributes', {}) or {}).items() if feed | replace('/', '_') == records -%}
        {{ return(names) }}
    {%- endfor -%}
    {{ return([]) }}
{%- endmacro %}

{# SQL type of an attribute: that of its feed's column. Text while dbt parses, when no feed can be read yet. #}
{% macro _attribute_type(records, name) -%}
    {%- for feed in (var('attributes', {}) or {}) if feed | replace('/', '_') == records and execute -%}
        {%- for column in _feed(feed).columns if column.name == name -%}
            {{ return({'integer': 'bigint', 'decimal': type_decimal(18, 9), 'date': 'date', 'time': 'timestamp'}.get(column.type, type_text())) }}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(type_text()) }}
{%- endmacro %}

{# Attributes as they go into a content hash, the same text on every engine. #}
{% macro _hashed_attributes(relation, records) -%}
    {%- set hashed = [] -%}
    {%- for name in _attributes(records) -%}
        {%- set column = relation ~ '.' ~ name -%}
        {%- do hashed.append(epoch_microseconds(column) if _attribute_type(records, name) == 'timestamp' else column) -%}
    {%- endfor -%}
    {{ return(hashed) }}
{%- endmacro %}
