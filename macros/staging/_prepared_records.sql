{#
    CTEs between `parsed` and `with_currencies` that bring the texts of a feed's own ways into the one grammar: blanks filled from above or with what
    the feed says they mean, amounts without their
    decoration, dates and times in the order of ISO 8601, times put together from parts. A feed that declares none of this has none of these CTEs. A column that was
    changed keeps the text as delivered in `<column>__given`.
#}
{% macro _prepared_records(declaration) -%}
    {%- set columns = declaration.columns -%}
    {%- set identity = ['org_id', 'batch_id', 'source_file', 'received_at', 'row_number'] -%}
    {%- set fill = declaration.get('fill_down') -%}
    {%- set fills = _fills(declaration) -%}
    {%- set changed = columns | map(attribute='name') | select('in', _changed_columns(declaration)) | list -%}
    {%- set with_zone = [] -%}
    {%- for column in columns if _zone_column(column) -%}{%- do with_zone.append(column) -%}{%- endfor -%}
    {%- if fill %}

-- the records that have a blank to fill, and those that may fill it: few columns of few records are cheap to put in order
above as (
    select
        parsed.batch_id,
        parsed.row_number
        {%- for name in fill.columns %},
        {{ last_above('parsed.' ~ name, ['parsed.batch_id', "coalesce(parsed." ~ fill.by ~ ", '')"], 'parsed.row_number') | indent(8) }} as {{ name }}
        {%- endfor %}
    from parsed
    where (parsed.batch_id, coalesce(parsed.{{ fill.by }}, '')) in (
        select blank.batch_id, coalesce(blank.{{ fill.by }}, '')
        from parsed as blank
        where {% for name in fill.columns %}blank.{{ name }} is null{{ ' or ' if not loop.last }}{% endfor %}
    )
),
    {%- endif %}
    {%- if fills %}

-- a blank takes the last value above it, or what the feed says that a blank means
filled as (
    select
        {%- for name in identity %}
        parsed.{{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
        {%- for column in columns %},
        {%- if column.type == 'time' %}
        parsed.{{ column.name }}__moment,
        {%- endif %}
        {%- if fill and column.name in fill.columns %}
        parsed.{{ column.name }}__is_plain and parsed.{{ column.name }} is not null as {{ column.name }}__is_plain,
        coalesce(parsed.{{ column.name }}, above.{{ column.name }}) as {{ column.name }}
        {%- elif _default_of(declaration, column) %}
        parsed.{{ column.name }}__is_plain and parsed.{{ column.name }} is not null as {{ column.name }}__is_plain,
        coalesce(parsed.{{ column.name }}, {{ _default_of(declaration, column) }}) as {{ column.name }}
        {%- else %}
        parsed.{{ column.name }}__is_plain,
        parsed.{{ column.name }}
        {%- endif %}
        {%- endfor %}
        {%- if fill %},
        -- it has nothing but blanks there, so that it goes on with the one above
        {% for name in fill.columns %}parsed.{{ name }} is null{{ ' and ' if not loop.last }}{% endfor %} as is_continuation
        {%- endif %}
    from parsed
    {%- if fill %}
    left join above
        on parsed.batch_id = above.batch_id and parsed.row_number = above.row_number
    {%- endif %}
),
    {%- endif %}
    {%- if changed %}

undone as (
    select
        {%- for name in identity %}
        given.{{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
        {%- for column in columns %},
        {%- if column.type == 'time' %}
        given.{{ column.name }}__moment,
        {%- endif %}
        {%- if column.name in changed %}
        {{ _given_value(column) }} as {{ column.name }}__given,
        {{ 'given.' ~ column.name ~ '__is_plain' if _keeps_plain(column) else 'false' }} as {{ column.name }}__is_plain,
        {{ _undone(declaration, column) }} as {{ column.name }}
        {%- else %}
        given.{{ column.name }}__is_plain,
        given.{{ column.name }}
        {%- endif %}
        {%- endfor %}
        {%- for column in with_zone %},
        case when given.{{ _zone_column(column) }} is null then {{ _convention(declaration, 'time_zone') }} else zone_of_{{ column.name }}.time_zone end as {{ column.name }}__zone
        {%- endfor %}
        {{- ',\n        given.is_continuation' if fill }}
    from {{ 'filled' if fills else 'parsed' }} as given
    {%- for column in with_zone %}
    left join (
        -- one row an alias whatever the seed holds, so that no record is ever doubled
        select {{ ascii_lower('alias') }} as alias, min(time_zone) as time_zone
        from {{ ref('zone_aliases') }}
        group by {{ ascii_lower('alias') }}
    ) as zone_of_{{ column.name }}
        on {{ ascii_lower('given.' ~ _zone_column(column)) }} = zone_of_{{ column.name }}.alias
    {%- endfor %}
    {{ fence() }}
),

shaped as (
    select
        {{ identity | join(',\n        ') }}
        {%- for column in columns %},
        {%- if column.name in changed %}
        {{ column.name }}__given,
        {%- endif %}
        {%- if column.type == 'time' %}
        {{ column.name }}__moment,
        {%- endif %}
        {#- What is left of an amount without its decoration mostly is plain. #}
        {{ column.name ~ '__is_plain or ' ~ _is_plain_amount(declaration, column.name) ~ ' as ' if column.type == 'amount' and column.name in changed }}{{ column.name }}__is_plain,
        {{ _clocked(column) ~ ' as ' if column.type == 'time' and column.name in changed }}{{ column.name }}
        {%- endfor %}
        {%- for column in with_zone %},
        {# What follows a fixed offset carries it in its text; the zone then says no more. #}
        case when left({{ column.name }}__zone, 1) in ('+', '-') then 'UTC' else {{ column.name }}__zone end as {{ column.name }}__zone
        {%- endfor %}
        {{- ',\n        is_continuation' if fill }}
    from undone
    {{ fence() }}
),
    {%- endif %}
{%- endmacro %}

{# The relation that the feed's texts, prepared, stand in, under the name that what follows knows. #}
{% macro _prepared(declaration) -%}
    {%- if _changed_columns(declaration) -%}{{ return('shaped as parsed') }}{%- endif -%}
    {{ return('filled as parsed' if _fills(declaration) else 'parsed') }}
{%- endmacro %}

{# Whether blanks of the feed can be something else. #}
{% macro _fills(declaration) -%}
    {%- if declaration.get('fill_down') -%}{{ return(true) }}{%- endif -%}
    {%- for column in declaration.columns if _default_of(declaration, column) -%}{{ return(true) }}{%- endfor -%}
    {{ return(false) }}
{%- endmacro %}

{# What a blank of a column means in the current row: a text constant, a case where an org or counterparty says otherwise; none where it means nothing. #}
{% macro _default_of(declaration, column) -%}
    {%- set cases = [] -%}
    {%- for override in (declaration.get('overrides') or []) | reverse if column.name in (override.get('defaults') or {}) -%}
        {%- do cases.append('when ' ~ _override_applies(declaration, override) ~ ' then ' ~ text_literal(override.defaults[column.name])) -%}
    {%- endfor -%}
    {%- if not cases and column.get('default') is none -%}{{ return(none) }}{%- endif -%}
    {%- set constant = text_literal(column.get('default')) -%}
    {{ return('(case ' ~ (cases | join(' ')) ~ ' else ' ~ constant ~ ' end)' if cases else constant) }}
{%- endmacro %}

{# The names of the columns whose text is brought into another shape before it is typed. #}
{% macro _changed_columns(declaration) -%}
    {%- set names = [] -%}
    {%- for column in declaration.columns -%}
        {%- set is_marked = column.type == 'amount' and (declaration.get('amount_marks') or column.get('implied_decimals') is not none) -%}
        {%- if is_marked or column.get('formats') or column.get('parts') or column.get('zone') -%}{%- do names.append(column.name) -%}{%- endif -%}
    {%- endfor -%}
    {{ return(names) }}
{%- endmacro %}

{# Whether a plain text of a changed column is left as it is. Digits with implied decimals are not what they seem. #}
{% macro _keeps_plain(column) -%}
    {{ return(column.type in ('amount', 'time') and column.get('implied_decimals') is none and not column.get('parts') and not column.get('zone')) }}
{%- endmacro %}

{# What was delivered for a changed column. #}
{% macro _given_value(column) -%}
    {%- set parts = column.get('parts') or ([column.name, column.zone] if column.get('zone') else []) -%}
    {%- if not parts -%}{{ return('given.' ~ column.name) }}{%- endif -%}
    {{ return("nullif(concat_ws(' ', given." ~ (parts | join(', given.')) ~ "), '')") }}
{%- endmacro %}

{# The name under which a column's text stands as it was delivered. #}
{% macro _given_text(declaration, column) -%}
    {{ return(column.name ~ '__given' if column.name in _changed_columns(declaration) else column.name) }}
{%- endmacro %}
