{#
    Makes the relations of schema `landing` before anything reads them. On DuckDB they are views over the files of the data folder, but for the list of
    the batches, which nearly every model asks: it is read from the manifests once a run. On Postgres, where `tieout land` copies the batches in, empty tables until then.
#}
{% macro register_landing() -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'test', 'seed', 'snapshot') -%}
        {{ adapter.dispatch('register_landing', 'tieout')() }}
    {%- endif -%}
    select 1 as landing_is_registered
{%- endmacro %}

{% macro _landing_columns(table) -%}
    {{ return({
        'batches': {
            'batch_id': 'varchar', 'org_id': 'varchar', 'system': 'varchar', 'feed': 'varchar', 'source_file': 'varchar',
            'content_sha256': 'varchar', 'bytes': 'bigint', 'received_at': 'timestamp', 'landed_at': 'timestamp', 'connector': 'varchar',
            'format': 'varchar', 'encoding': 'varchar', 'delimiter': 'varchar', 'header_lines': 'bigint', 'physical_lines': 'bigint',
            'record_count': 'bigint', 'reject_count': 'bigint', 'record_line_breaks': 'bigint', 'reject_lines': 'bigint',
            'blank_lines': 'bigint', 'schema_fingerprint': 'varchar'
        },
        'rejects': {
            'org_id': 'varchar', 'system': 'varchar', 'feed': 'varchar', 'batch_id': 'varchar', 'source_file': 'varchar', 'received_at': 'timestamp',
            'row_number': 'bigint', 'line_number': 'bigint', 'line_span': 'bigint', 'reason': 'varchar', 'raw': 'varchar'
        },
        'records': {
            '_org_id': 'varchar', '_batch_id': 'varchar', '_source_file': 'varchar', '_received_at': 'timestamp', '_row_number': 'bigint'
        }
    }[table]) }}
{%- endmacro %}

{% macro default__register_landing() -%}
    {{ exceptions.raise_compiler_error("register_landing: no implementation for adapter '" ~ target.type ~ "'") }}
{%- endmacro %}

{% macro duckdb__register_landing() -%}
    {%- set landing = env_var('TIEOUT_DATA_DIR', 'data') ~ '/landing' -%}
    {%- set schema = env_var('TIEOUT_SCHEMA_PREFIX', '') ~ 'landing' -%}
    {%- do run_query('create schema if not exists ' ~ schema) -%}
    {#- A warehouse of an earlier release has a view of that name. #}
    {%- if run_query("select 1 from duckdb_views() where database_name = current_database() and schema_name = '" ~ schema ~ "' and view_name = 'batches'").rows -%}
        {%- do run_query('drop view ' ~ schema ~ '.batches') -%}
    {%- endif -%}
    {%- do run_query(_duckdb_landing_relation(
        'table', schema, 'batches', columns=_landing_columns('batches'), files=landing ~ '/*/*/*/*/manifest.json', reader='json'
    )) -%}
    {%- do run_query(_duckdb_landing_relation(
        'view', schema, 'rejects', columns=_landing_columns('rejects'), files=landing ~ '/*/*/*/*/rejects.parquet', reader='rejects'
    )) -%}
    {%- for node in graph.sources.values() if node.config.get('meta', {}).get('feed') -%}
        {%- set columns = {} -%}
        {%- for name in node.columns -%}{%- do columns.update({name: 'varchar'}) -%}{%- endfor -%}
        {%- do columns.update(_landing_columns('records')) -%}
        {%- do run_query(_duckdb_landing_relation(
            'view', schema, node.identifier, columns=columns,
            files=landing ~ '/' ~ node.source_name ~ '/' ~ node.name ~ '/*/*/records.parquet', reader='records'
        )) -%}
    {%- endfor -%}
{%- endmacro %}

{# Statement of a relation (`view` or `table`) that has the declared columns whatever the files hold, and is empty while there is no file. #}
{% macro _duckdb_landing_relation(kind, schema, name, columns, files, reader) -%}
    {%- set path = files | replace("'", "''") -%}
    {%- set found = run_query("select count(*) from glob('" ~ path ~ "')").rows[0][0] -%}
    {%- set selected = [] -%}
    {%- set declared = [] -%}
    {%- for name, type in columns.items() -%}
        {%- if reader == 'records' and name == '_row_number' -%}
            {# The position in the file is the number, unless the batch had unreadable records among the others. #}
            {%- do selected.append('coalesce(_row_number, file_row_number + 1) as _row_number') -%}
        {%- elif reader == 'rejects' and name in ('system', 'feed') -%}
            {# The file says `pos/orders`, the relation has system and feed apart, as the batches do. #}
            {%- do selected.append("split_part(_feed, '/', " ~ (1 if name == 'system' else 2) ~ ') as ' ~ name) -%}
        {%- elif reader == 'rejects' -%}
            {%- do selected.append('cast(_' ~ name ~ ' as ' ~ type ~ ') as ' ~ name) -%}
        {%- else -%}
            {%- do selected.append('cast("' ~ name ~ '" as ' ~ type ~ ') as "' ~ name ~ '"') -%}
        {%- endif -%}
        {%- do declared.append('cast(null as ' ~ type ~ ') as "' ~ ('_' if reader == 'rejects' else '') ~ name ~ '"') -%}
    {%- endfor -%}
        create or replace {{ kind }} {{ schema }}.{{ name }} as
        select {{ selected | join(', ') }}
        from (
            select {{ declared | join(', ') }}{{ ', cast(null as bigint) as file_row_number' if reader == 'records' }} where false
            {%- if found > 0 %}
            union all by name
            {%- if reader == 'json' %}
            select * from read_json(
                '{{ path }}', format = 'auto', union_by_name = true,
                columns = { {%- for name, type in columns.items() %}'{{ name }}': '{{ type }}'{{ ', ' if not loop.last }}{% endfor -%} }
            )
            {%- else %}
            select * from read_parquet('{{ path }}', union_by_name = true{{ ', file_row_number = true' if reader == 'records' }})
            {%- endif %}
            {%- endif %}
        ) as landed
{%- endmacro %}

{% macro postgres__register_landing() -%}
    {%- set schema = env_var('TIEOUT_SCHEMA_PREFIX', '') ~ 'landing' -%}
    {%- do run_query('create schema if not exists ' ~ schema) -%}
    {%- for table in ['batches', 'rejects'] -%}
        {%- do _postgres_landing_table(relation=schema ~ '.' ~ table, columns=_landing_columns(table)) -%}
    {%- endfor -%}
    {%- for node in graph.sources.values() if node.config.get('meta', {}).get('feed') -%}
        {%- set columns = {} -%}
        {%- for name in node.columns -%}{%- do columns.update({name: 'text'}) -%}{%- endfor -%}
        {%- do columns.update(_landing_columns('records')) -%}
        {%- do _postgres_landing_table(relation=schema ~ '.' ~ node.identifier, columns=columns) -%}
    {%- endfor -%}
{%- endmacro %}

{% macro _postgres_landing_table(relation, columns) -%}
    {%- set typed = [] -%}
    {%- for name, type in columns.items() -%}
        {%- do typed.append('"' ~ name ~ '" ' ~ (type | replace('varchar', 'text'))) -%}
    {%- endfor -%}
    {%- do run_query('create table if not exists ' ~ relation ~ ' (' ~ (typed | join(', ')) ~ ')') -%}
{%- endmacro %}
