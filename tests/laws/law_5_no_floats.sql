{{ config(tags=['law'], meta={'law': 5, 'dagster': {'ref': {'name': 'reconciliation_results'}}}) }}
-- Law 5, no floats for money. Guards that no relation of ours has a column of a floating type: none holds anything that floats are fit for.
-- depends_on: {{ ref('reconciliation_results') }}
-- depends_on: {{ ref('exceptions') }}
-- depends_on: {{ ref('reconciliation_summary') }}
-- depends_on: {{ ref('control_totals') }}
select
    table_schema,
    table_name,
    column_name,
    data_type
from information_schema.columns
where
    table_schema in (
        {%- for schema in ['reference', 'staging', 'canonical', 'reconciliation', 'marts', 'audit'] -%}
        '{{ generate_schema_name(schema, none) }}'{{ ', ' if not loop.last }}
        {%- endfor -%}
    )
    and lower(data_type) in ('double', 'float', 'real', 'double precision')
