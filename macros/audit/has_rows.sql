{#
    Whether a query has any row: how a model that is being built finds out that there is nothing for it to do, and saves its engine the planning of a large statement. True
    where nothing is being built, and in a unit test, whose inputs are no relations; so that compiled code is always the whole of it.
#}
{% macro has_rows(query) -%}
    {%- if not execute or flags.WHICH not in ('build', 'run') or model.get('tested_node_unique_id') -%}{{ return(true) }}{%- endif -%}
    {{ return(run_query('select 1 as found from (' ~ query ~ ') as wanted limit 1').rows | length > 0) }}
{%- endmacro %}
