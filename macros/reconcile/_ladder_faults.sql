{# Every fault of a ladder's declaration, as texts for people. #}
{% macro _ladder_faults(ladder) -%}
    {%- set faults = [] -%}
    {%- for role in ['source', 'target'] -%}
        {%- if ladder[role] is none -%}
            {%- do faults.append("ladder '" ~ ladder.name ~ "': " ~ role ~ " must be '<system>/<entity>' of a canonical model, such as 'pos/orders'; got '" ~ (ladder.given.get(role) | string) ~ "'") -%}
        {%- elif ladder[role].feed not in var('feeds') -%}
            {%- do faults.append("ladder '" ~ ladder.name ~ "': " ~ role ~ " '" ~ ladder[role].spec ~ "' is no registered feed; vars.feeds has " ~ (var('feeds') | join(', '))) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set lists = {} -%}
    {%- for key in ['checks', 'steps', 'carries'] -%}
        {%- if ladder[key] is string or ladder[key] is mapping or ladder[key] is not sequence -%}
            {%- do faults.append("ladder '" ~ ladder.name ~ "': " ~ key ~ " must be a list of names; got '" ~ (ladder[key] | string) ~ "'") -%}
        {%- else -%}
            {%- do lists.update({key: ladder[key]}) -%}
            {%- for name in ladder[key] | unique if ladder[key] | select('equalto', name) | list | length > 1 -%}
                {%- do faults.append("ladder '" ~ ladder.name ~ "': " ~ key ~ " has '" ~ name ~ "' twice; name each once") -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set known = _check_names() -%}
    {%- for check in lists.get('checks', []) if check not in known -%}
        {%- do faults.append("ladder '" ~ ladder.name ~ "': check '" ~ check ~ "' does not exist; allowed are " ~ (known | join(', '))) -%}
    {%- endfor -%}
    {%- if not ladder.steps -%}
        {%- do faults.append("ladder '" ~ ladder.name ~ "': steps is empty; name at least one step") -%}
    {%- endif -%}
    {%- for column in lists.get('carries', []) if column not in _canonical_columns() -%}
        {%- do faults.append("ladder '" ~ ladder.name ~ "': carries '" ~ column ~ "' is no canonical column; allowed are " ~ (_canonical_columns() | join(', '))) -%}
    {%- endfor -%}
    {{ return(faults) }}
{%- endmacro %}
