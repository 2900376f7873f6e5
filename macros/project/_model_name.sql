{# The name of the model that is being rendered; in a unit test, which stands in a model's place, that of the model tested. #}
{% macro _model_name() -%}
    {%- set tested = model.get('tested_node_unique_id') -%}
    {{ return(tested.split('.')[-1] if tested else model.name) }}
{%- endmacro %}
