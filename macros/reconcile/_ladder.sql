{#
    A ladder's declaration from the registry (vars.streams): `{name, stream, source, target, checks, anomaly_of, absent, excluded, steps, carries, given}`, a side as
    `_side` gives it, none where it is no side; `checks` are names, `anomaly_of` the anomaly of each that has another one here than its own, `absent` what a record is
    called that lacks its counterpart of a side, `excluded` which left-over records of a side no counterpart is asked for (`{when, reason}`), `attributes` what else is compared (see `_compared_attributes`), `hourly_window` how many hours a run of mode hourly looks back, none in a stream that knows no modes, `orgs` the orgs that its stream names, none where it serves all, `one_system` whether a record and its counterpart are of one system, `subset` the search for subsets (see `subset_suggestions`); `given` is what the registry says. None when there is no such ladder.
#}
{% macro _ladder(name) -%}
    {%- for stream, declared in _streams().items() -%}
        {%- for ladder, body in declared.ladders.items() -%}
            {%- if ladder == name -%}
                {%- set checks = body.get('checks') or [] -%}
                {%- set names = [] -%}
                {%- set anomaly_of = {} -%}
                {%- if checks is not string and checks is not mapping and checks is sequence -%}
                    {%- for check in checks -%}
                        {%- if check is mapping -%}
                            {%- for name, anomaly in check.items() -%}{%- do names.append(name) -%}{%- do anomaly_of.update({name: anomaly}) -%}{%- endfor -%}
                        {%- else -%}
                            {%- do names.append(check) -%}
                        {%- endif -%}
                    {%- endfor -%}
                    {%- set checks = names -%}
                {%- endif -%}
                {{ return({
                    'name': ladder, 'stream': stream,
                    'source': _side(body.get('source')), 'target': _side(body.get('target')),
                    'checks': names if names else checks, 'anomaly_of': anomaly_of, 'absent': body.get('absent') or {}, 'excluded': body.get('excluded') or {},
                    'one_system': body.get('one_system') or false,
                    'attributes': _compared_attributes(body.get('attributes') or {}), 'hourly_window': declared.get('hourly_window'), 'orgs': _given_orgs(declared),
                    'subset': dict({'enabled': false, 'many': 'source', 'on': ['currency'], 'max_pool': 20, 'max_size': 3, 'lambda_max': 0.02}, **(body.get('subset') or {})),
                    'steps': body.get('steps') or [], 'carries': body.get('carries') or [],
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

{#
    One side of a ladder: `{spec, system, entity, feeds, looks_at, code, records, settled, consumer}`. A spec is a feed, whose records are `<system>_<entity>`, or an entity of
    the registry (vars.entities), whose records may come from several feeds. `system` is none where records of several systems are one side: each record then says its own. `settled` is the model of the
    records that are not simply live, `consumer` who notes in the ledger that a batch is in it. `derived` says that a record may change without a delivery of its own, because
    its model looks at other records too.
#}
{% macro _side(spec) -%}
    {%- if spec is not string or spec.split('/') | length != 2 -%}{{ return(none) }}{%- endif -%}
    {%- set system = spec.split('/')[0] -%}
    {%- set entity = spec.split('/')[1] -%}
    {%- set declared = var('entities', {}).get(spec) -%}
    {%- if declared is not none -%}
        {%- set records = system ~ '_' ~ entity -%}
        {{ return({
            'spec': spec, 'system': none, 'entity': entity, 'feeds': declared.feeds, 'looks_at': declared.get('looks_at', []), 'code': declared.code, 'records': records,
            'settled': records ~ '__dispositions', 'consumer': 'canonical.' ~ declared.get('part_of', records) ~ '__dispositions',
            'derived': declared.get('derived', false)
        }) }}
    {%- endif -%}
    {%- set records = system ~ '_' ~ entity -%}
    {{ return({
        'spec': spec, 'system': system, 'entity': entity, 'feeds': [spec], 'looks_at': [], 'code': system | upper, 'records': records,
        'settled': records ~ '__dispositions', 'consumer': 'canonical.' ~ records ~ '__dispositions', 'derived': false
    }) }}
{%- endmacro %}

{# The model that holds what a feed could not type. #}
{% macro _rejected_model(feed) -%}
    {{ return('rejected_' ~ feed | replace('/', '__')) }}
{%- endmacro %}

{# What a check finds on this ladder: its own anomaly, or the one that the ladder gives it. #}
{% macro _anomaly_of(ladder, check) -%}
    {{ return(ladder.anomaly_of.get(check, _check(check).anomaly)) }}
{%- endmacro %}

{# What a left-over record is called for want of its counterpart on the side `role`. #}
{% macro _absent_code(ladder, role) -%}
    {{ return(ladder.absent.get(role, 'MISSING_' ~ ladder[role].code)) }}
{%- endmacro %}

{# The system of one side of a step row: a constant, or the row's own where a side has several; null without a record there. #}
{% macro _system_of(ladder, role) -%}
    {%- if 'system' in _record_columns(ladder) -%}{{ return(role ~ '_system') }}{%- endif -%}
    {{ return('case when ' ~ role ~ "_batch_id is not null then '" ~ ladder[role].system ~ "' end") }}
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
    {%- set by_record = [] -%}
    {%- for role in ['source', 'target'] if ladder[role] is not none and ladder[role].system is none and not by_record -%}{%- do by_record.append('system') -%}{%- endfor -%}
    {{ return(by_record + [
        'activity_id', 'version', 'counterparty_id', 'status', 'currency', 'amount_minor', 'event_at', 'business_date', 'received_at',
        'batch_id', 'row_number'
    ] + ladder.carries + (ladder.attributes | map(attribute='name') | reject('in', ladder.carries) | list)) }}
{%- endmacro %}

{# SQL types of those columns, for the side of a row that is absent. #}
{% macro _record_column_type(column, ladder=none) -%}
    {%- if ladder is not none and column in ladder.attributes | map(attribute='name') and column not in _canonical_columns() -%}
        {{ return(_attribute_type(ladder.source.records, column)) }}
    {%- endif -%}
    {{ return({
        'version': 'bigint', 'amount_minor': 'bigint', 'fee_minor': 'bigint', 'net_minor': 'bigint', 'row_number': 'bigint', 'exponent': 'integer',
        'event_at': 'timestamp', 'received_at': 'timestamp', 'business_date': 'date'
    }.get(column, type_text())) }}
{%- endmacro %}
