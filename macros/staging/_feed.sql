{#
    A feed's declaration, read from the source's YAML: what `config.meta.feed` says, conventions that it leaves out with their defaults, and `columns`. None while
    dbt parses, because dbt's graph is not there yet.
#}
{% macro _feed(feed) -%}
    {%- if not execute -%}{{ return(none) }}{%- endif -%}
    {%- for node in graph.sources.values() -%}
        {%- if node.source_name ~ '/' ~ node.name == feed and node.config.get('meta', {}).get('feed') -%}
            {%- set columns = [] -%}
            {%- for name, column in node.columns.items() -%}
                {%- set declared = column.get('config', {}).get('meta', {}) or column.get('meta', {}) -%}
                {%- do columns.append(dict(declared, name=name)) -%}
            {%- endfor -%}
            {%- set conventions = {'time_zone': 'UTC', 'decimal_mark': '.', 'grouping_mark': ''} -%}
            {{ return(dict(dict(conventions, **node.config.meta.feed), columns=columns)) }}
        {%- endif -%}
    {%- endfor -%}
    {{ exceptions.raise_compiler_error("No feed '" ~ feed ~ "' is declared in models/staging/*/_*__sources.yml (config.meta.feed).") }}
{%- endmacro %}
