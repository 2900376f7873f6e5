{#
    Statement that keeps a query's rows for the rest of the session. The engine then knows how few they are, and plans the joins with them accordingly;
    inside a large statement it would guess, and guess millions.
#}
{% macro scratch_table(name, query) -%}
    {{ return(adapter.dispatch('scratch_table', 'tieout')(name=name, query=query)) }}
{%- endmacro %}

{% macro default__scratch_table(name, query) -%}
    drop table if exists {{ name }};
    create temporary table {{ name }} as
    {{ query }};
{%- endmacro %}

{% macro postgres__scratch_table(name, query) -%}
    drop table if exists {{ name }};
    create temporary table {{ name }} as
    {{ query }};
    analyze {{ name }};
{%- endmacro %}

{% macro spark__scratch_table(name, query) -%}
    create or replace temporary view {{ name }} as
    {{ query }}
{%- endmacro %}

{# The name of a model's scratch table; short enough for every engine, and no other model's. #}
{% macro _scratch(name) -%}
    {{ return('scratch_' ~ local_md5(model.name)[:10] ~ '_' ~ name) }}
{%- endmacro %}
