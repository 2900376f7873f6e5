{#
    A ladder's declaration from the registry (vars.streams): `{name, stream, source, target, checks, steps, carries, given}`, a side as `{spec, system, entity,
    feed, records}`, none where it is no side; `given` is what the registry says. None when there is no such ladder.
#}
{% macro _ladder(name) -%}
    {%- for stream, declared in _streams().items() -%}
        {%- for ladder, body in declared.ladders.items() -%}
            {%- if ladder == name -%}
                {{ return({
                    'name': ladder, 'stream': stream,
                    'source': _side(body.get('source')), 'target': _side(body.get('target')),
                    'checks': body.get('checks') or [], 'steps': body.get('steps') or [], 'carries': body.get('carries') or [],
                    'given': body
                }) }}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(none) }}
{%- endmacro %}

{# The registry of streams; what is no stream or no ladder at all stops the parse. #}
{% macro _streams() -%}
    {%- set faults = [] -%}
    {%- set owners = {} -%}
    {%- for stream, declared in var('streams').items() -%}
        {%- set ladders = declared.get('ladders') if declared is mapping -%}
        {%- if ladders is not mapping or not ladders -%}
            {%- do faults.append("stream '" ~ stream ~ "': give its ladders, {'ladders': {<name>: {source, target, checks, steps}}}; got '" ~ (declared | string) ~ "'") -%}
        {%- endif -%}
        {%- for ladder, body in (ladders if ladders is mapping else {}).items() -%}
            {%- if body is not mapping -%}
                {%- do faults.append("ladder '" ~ ladder ~ "': give source, target, checks and steps; got '" ~ (body | string) ~ "'") -%}
            {%- endif -%}
            {%- if ladder in owners -%}
                {%- do faults.append("ladder '" ~ ladder ~ "': stands in stream '" ~ owners[ladder] ~ "' and in stream '" ~ stream ~ "'; a name may stand once") -%}
            {%- endif -%}
            {%- do owners.update({ladder: stream}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- do _fail('vars.streams of dbt_project.yml', faults) -%}
    {{ return(var('streams')) }}
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
    {%- for declared in _streams().values() -%}
        {%- for name in declared.ladders -%}{%- do names.append(name) -%}{%- endfor -%}
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
