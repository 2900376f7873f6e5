{#
    Post-hook that makes an index where the engine finds rows by indexes, for columns that are known only when the model runs; nothing elsewhere.
    `columns` is a list of names.
#}
{% macro index_columns(relation, columns) -%}
    {{ return(adapter.dispatch('index_columns', 'tieout')(relation=relation, columns=columns)) }}
{%- endmacro %}

{% macro default__index_columns(relation, columns) -%}{%- endmacro %}

{% macro postgres__index_columns(relation, columns) -%}
    create index if not exists "{{ local_md5(relation.identifier ~ columns | join(',')) }}" on {{ relation }} ({{ columns | join(', ') }})
{%- endmacro %}
