{{ config(tags=['law'], meta={'law': 2, 'dagster': {'ref': {'name': 'reconciliation_results'}}}) }}
-- Law 2, consumed once. Guards that within a ladder a live record is a member of at most one result: money that is in two matches would hide a loss.
-- Conflicting records have no live one among them, and surplus copies are results of their own.
{%- for name in _ladder_names() %}
{%- set declared = _ladder(name) %}
{%- for role in ['source', 'target'] %}
select
    '{{ name }}' as ladder,
    '{{ role }}' as side,
    members.org_id,
    members.activity_id,
    count(*) as results
from (
    {%- for step in declared.steps %}
    select org_id, {{ role }}_activity_id as activity_id
    from {{ ref(name ~ '__' ~ step) }}
    where outcome <> 'LEFT' and {{ role }}_batch_id is not null and not is_conflicting
    union all
    {%- endfor %}
    select org_id, activity_id
    from {{ ref(name ~ '__unmatched') }}
    where side = '{{ role | upper }}'
) as members
group by members.org_id, members.activity_id
having count(*) > 1
{{ 'union all' if not loop.last }}
{%- endfor %}
{{ 'union all' if not loop.last }}
{%- endfor %}
-- depends_on: {{ ref('reconciliation_results') }}
