{# Stops the parse with every fault found, each on its own line. `where` names the macro and the model. #}
{% macro _fail(where, faults) -%}
    {%- if faults -%}
        {{ exceptions.raise_compiler_error(where ~ ' cannot be used as declared:\n  - ' ~ (faults | join('\n  - '))) }}
    {%- endif -%}
{%- endmacro %}
