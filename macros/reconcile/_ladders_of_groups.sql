{#
    Ladders of which a side is matched in groups: a pair made by hand would take a member out of its group. Where pairs are the rule and groups the exception, it may. A name that no ladder has stands for none. Known once dbt's graph
    is, not while it parses.
#}
{% macro _ladders_of_groups() -%}
    {%- set names = [] -%}
    {%- for name in _ladder_names() -%}
        {%- for step in _ladder(name).steps if (_step_many(name, step) and not _step_meta(name, step, 'pairs')) or _step_meta(name, step, 'nets') -%}
            {%- if name not in names -%}{%- do names.append(name) -%}{%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(names or ['']) }}
{%- endmacro %}
