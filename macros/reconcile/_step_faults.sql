{# Every fault of a step's declaration and of its ladder's, as texts for people. `declared` is the ladder, none when there is none of that name. #}
{% macro _step_faults(ladder, declared, match, on_match) -%}
    {%- set faults = [] -%}
    {%- if declared is none -%}
        {%- do faults.append("ladder: '" ~ ladder ~ "' is not in vars.streams of dbt_project.yml; there are " ~ (_ladder_names() | join(', '))) -%}
    {%- else -%}
        {%- do faults.extend(_ladder_faults(declared)) -%}
        {%- do faults.extend(_match_rule_faults(declared, match)) -%}
        {%- set expected = [] -%}
        {%- for name in declared.steps if declared.steps is not string and declared.steps is not mapping -%}{%- do expected.append(ladder ~ '__' ~ name) -%}{%- endfor -%}
        {%- if expected and _model_name() not in expected -%}
            {%- do faults.append("model: '" ~ _model_name() ~ "' is no step of ladder '" ~ ladder ~ "'; its steps are " ~ (expected | join(', '))) -%}
        {%- endif -%}
    {%- endif -%}
    {%- if on_match is not none and (on_match is not string or not modules.re.fullmatch('[A-Z][A-Z0-9_]*', on_match)) -%}
        {%- do faults.append("on_match: give an anomaly code in capitals, such as 'ID_MISMATCH'; got '" ~ (on_match | string) ~ "'") -%}
    {%- endif -%}
    {%- for name in _check_names() if _check(name).anomaly == on_match -%}
        {%- do faults.append("on_match: '" ~ on_match ~ "' is the anomaly of check '" ~ name ~ "'; give a code of its own, such as 'ID_MISMATCH'") -%}
    {%- endfor -%}
    {{ return(faults) }}
{%- endmacro %}
