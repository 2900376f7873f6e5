{#
    A convention of a feed for the current row: a text constant where the whole feed has one, else a case over org and counterparty. Among overrides that
    apply, the last declared wins.
#}
{% macro _convention(declaration, name) -%}
    {%- set cases = [] -%}
    {%- for override in (declaration.get('overrides') or []) | reverse if name in override -%}
        {%- do cases.append('when ' ~ _override_applies(declaration, override) ~ ' then ' ~ text_literal(override[name])) -%}
    {%- endfor -%}
    {%- set constant = text_literal(declaration[name]) -%}
    {{ return('(case ' ~ (cases | join(' ')) ~ ' else ' ~ constant ~ ' end)' if cases else constant) }}
{%- endmacro %}

{# Whether an override of a feed's conventions is for the current row. #}
{% macro _override_applies(declaration, override) -%}
    {%- set condition = 'org_id = ' ~ text_literal(override.org_id) -%}
    {%- if override.get('counterparty_id') -%}
        {%- set condition = condition ~ ' and ' ~ declaration.counterparty_column ~ ' = ' ~ text_literal(override.counterparty_id) -%}
    {%- endif -%}
    {{ return('(' ~ condition ~ ')') }}
{%- endmacro %}

{# The zone of a time of the current row that says none itself: the column's, the one that the record names in a column of its own, or the feed's. #}
{% macro _zone(declaration, column) -%}
    {%- if column.get('time_zone') -%}{{ return(text_literal(column.time_zone)) }}{%- endif -%}
    {{ return(column.name ~ '__zone' if _zone_column(column) else _convention(declaration, 'time_zone')) }}
{%- endmacro %}

{# The column that says the zone of a time; none where none does. #}
{% macro _zone_column(column) -%}
    {{ return(column.parts[2] if column.type == 'time' and (column.get('parts') or []) | length == 3 else column.get('zone')) }}
{%- endmacro %}
