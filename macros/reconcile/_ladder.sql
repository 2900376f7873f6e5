{#
    A ladder's declaration from the registry (vars.streams): `{name, stream, source, target, checks, steps, carries}`, a side as `{spec, system, entity,
    feed, records}`. None when there is no such ladder.
#}
{% macro _ladder(name) -%}
    {%- for stream, declared in var('streams').items() -%}
        {%- for ladder, body in (declared.get('ladders') or {}).items() -%}
            {%- if ladder == name -%}
                {{ return({
                    'name': ladder, 'stream': stream,
                    'source': _side(body.get('source')), 'target': _side(body.get('target')),
                    'checks': body.get('checks') or [], 'steps': body.get('steps') or [], 'carries': body.get('carries') or []
                }) }}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(none) }}
{%- endmacro %}

{% macro _side(spec) -%}
    {%- if spec is not string or spec.split('/') | length != 2 -%}{{ return(none) }}{%- endif -%}
    {%- set system = spec.split('/')[0] -%}
    {%- set entity = spec.split('/')[1] -%}
    {{ return({
        'spec': spec, 'system': system, 'entity': entity, 'feed': spec, 'code': system | upper,
        'records': system ~ '_' ~ entity, 'staged': spec | replace('/', '__')
    }) }}
{%- endmacro %}

{% macro _ladder_names() -%}
    {%- set names = [] -%}
    {%- for declared in var('streams').values() -%}
        {%- for name in (declared.get('ladders') or {}) -%}{%- do names.append(name) -%}{%- endfor -%}
    {%- endfor -%}
    {{ return(names) }}
{%- endmacro %}

{# What a step keeps of a record: what checks and marts need, and what the ladder says its later steps need besides (`carries`). #}
{% macro _record_columns(ladder) -%}
    {{ return([
        'activity_id', 'version', 'counterparty_id', 'status', 'currency', 'amount_minor', 'event_at', 'business_date', 'received_at',
        'batch_id', 'row_number'
    ] + ladder.carries) }}
{%- endmacro %}

{# SQL types of those columns, for the side of a row that is absent. #}
{% macro _record_column_type(column) -%}
    {{ return({
        'version': 'bigint', 'amount_minor': 'bigint', 'fee_minor': 'bigint', 'net_minor': 'bigint', 'row_number': 'bigint', 'exponent': 'integer',
        'event_at': 'timestamp', 'received_at': 'timestamp', 'business_date': 'date'
    }.get(column, type_text())) }}
{%- endmacro %}
