{#
    Query of the records of an entity that several models make up, in the canonical columns; the models are the entity's `parts` in the registry (vars.entities).

    entity:       name of an entity, such as 'processor/legs'. where: a condition on the records; none for all. counterparty: an expression that takes the place
                  of the parts' counterparty; none to keep it.
#}
{% macro canonical_union(entity, where=none, counterparty=none) -%}
    {%- set declared = var('entities', {}).get(entity) -%}
    {%- if declared is none or not declared.get('parts') -%}
        {%- do _fail('canonical_union in ' ~ _model_name(), ["entity: '" ~ entity ~ "' has no parts in vars.entities of dbt_project.yml; there are " ~ (var('entities', {}).keys() | join(', '))]) -%}
    {%- endif -%}
    {# A table: as a view it would stand a dozen times, with all its parts, in the plans of those who read it, and be planned longer than read. #}
    {{ config(materialized='table', indexes=engine_indexes([['batch_id', 'row_number'], ['org_id', 'activity_id']])) }}
    {%- for part in declared.parts %}
    select
        {%- for column in _canonical_columns() %}
        {{ counterparty ~ ' as counterparty_id' if column == 'counterparty_id' and counterparty else 'records.' ~ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref(part) }} as records
    {%- if where %}
    where {{ where }}
    {%- endif %}
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
