{#
    Incremental strategy `retract_insert`. The new rows come together with the keys of the old ones that no longer hold, these marked `_retracted`; every old row
    whose key is among them goes, and the new ones come in: a verdict is withdrawn even when nothing takes its place. `unique_key` is a list
    of expressions that are never null.
#}
{% macro get_incremental_retract_insert_sql(arg_dict) -%}
    {{ return(adapter.dispatch('retract_insert', 'tieout')(
        target_relation=arg_dict['target_relation'],
        temp_relation=arg_dict['temp_relation'],
        unique_key=arg_dict['unique_key'],
        dest_columns=arg_dict['dest_columns']
    )) }}
{%- endmacro %}

{% macro default__retract_insert(target_relation, temp_relation, unique_key, dest_columns) -%}
    {%- set keys = [unique_key] if unique_key is string else unique_key -%}
    {%- set columns = dest_columns | map(attribute='quoted') | join(', ') %}
    delete from {{ target_relation }}
    where ({{ keys | join(', ') }}) in (select {{ keys | join(', ') }} from {{ temp_relation }});

    insert into {{ target_relation }} ({{ columns }})
    select {{ columns }}
    from {{ temp_relation }}
    where not _retracted;
{%- endmacro %}
