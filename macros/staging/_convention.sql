{#
    A convention of a feed for the current row: a text constant where the whole feed has one, else a case over org and counterparty. Among overrides that
    apply, the last declared wins.
#}
{% macro _convention(declaration, name) -%}
    {%- set cases = [] -%}
    {%- for override in (declaration.get('overrides') or []) | reverse if name in override -%}
        {%- set condition = 'org_id = ' ~ text_literal(override.org_id) -%}
        {%- if override.get('counterparty_id') -%}
            {%- set condition = condition ~ ' and ' ~ declaration.counterparty_column ~ ' = ' ~ text_literal(override.counterparty_id) -%}
        {%- endif -%}
        {%- do cases.append('when ' ~ condition ~ ' then ' ~ text_literal(override[name])) -%}
    {%- endfor -%}
    {%- set constant = text_literal(declaration[name]) -%}
    {{ return('(case ' ~ (cases | join(' ')) ~ ' else ' ~ constant ~ ' end)' if cases else constant) }}
{%- endmacro %}
