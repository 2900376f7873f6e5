{#- Law 1 as rows that can be read: what must equal what, per org, scope, side, currency and unit. -#}
{%- set ladders = [] -%}
{%- set sides = {} -%}
{%- for name in _ladder_names() -%}
    {%- do ladders.append(_ladder(name)) -%}
    {%- for role in ['source', 'target'] -%}{%- do sides.update({_ladder(name)[role].records: _ladder(name)[role]}) -%}{%- endfor -%}
{%- endfor -%}
{%- set results = ['MATCHED', 'MISMATCHED', 'PENDING', 'MISSING_TARGET', 'MISSING_SOURCE', 'AMBIGUOUS', 'EXCLUDED'] -%}
{%- set parts = ['LIVE', 'SUPERSEDED', 'SURPLUS', 'REDELIVERED', 'CONFLICTING'] -%}
with received_batches as (
    select *
    from {{ source('landing', 'batches') }}
    where received_at <= {{ as_of() }}
),

-- physical lines, counted without the parser, against what they turned out to be
file_lines as (
    select
        org_id,
        system || '/' || feed as scope,
        sum(physical_lines) as expected,
        sum(header_lines + record_count + record_line_breaks + reject_lines + blank_lines) as actual,
        sum(header_lines) as header_lines,
        sum(record_count) as record_count,
        sum(record_line_breaks) as record_line_breaks,
        sum(reject_lines) as reject_lines,
        sum(blank_lines) as blank_lines
    from received_batches
    where physical_lines is not null
    group by org_id, system || '/' || feed
),

landed_rejects as (
    select
        org_id,
        system || '/' || feed as scope,
        count(*) as reject_count
    from {{ source('landing', 'rejects') }}
    where received_at <= {{ as_of() }}
    group by org_id, system || '/' || feed
),

landed as (
    select
        received_batches.org_id,
        received_batches.system || '/' || received_batches.feed as scope,
        sum(received_batches.record_count) as record_count,
        sum(received_batches.reject_count) as reject_count
    from received_batches
    group by received_batches.org_id, received_batches.system || '/' || received_batches.feed
),
{% for name, side in sides.items() %}
-- one pass over the canonical records, by what has become of them
{{ name }}_parts as {{ kept_cte() }} (
    select
        records.org_id,
        records.currency,
        coalesce(settled.disposition, 'LIVE') as part,
        count(*) as row_count,
        cast(sum(records.amount_minor) as {{ type_decimal(38, 0) }}) as amount_minor,
        cast(sum({{ record_fingerprint('records.batch_id', 'records.row_number') }}) as {{ type_decimal(38, 0) }}) as fingerprint
    from {{ ref(name) }} as records
    left join {{ ref(side.settled) }} as settled
        on records.batch_id = settled.batch_id and records.row_number = settled.row_number
    group by records.org_id, records.currency, coalesce(settled.disposition, 'LIVE')
),

{{ name }}_staged as {{ kept_cte() }} (
    select
        org_id,
        currency,
        count(*) as row_count,
        cast(sum(amount_minor) as {{ type_decimal(38, 0) }}) as amount_minor
    from {{ ref(name) }}
    group by org_id, currency
),
{% endfor %}
staged as (
    {%- for feed in var('feeds') %}
    select
        org_id,
        '{{ feed }}' as scope,
        count(*) as row_count
    from {{ ref('stg_' ~ feed | replace('/', '__')) }}
    where is_valid
    group by org_id
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

rejected as (
    {%- for feed in var('feeds') %}
    select org_id, feed as scope, count(*) as row_count
    from {{ ref('rejected_' ~ feed | replace('/', '__')) }}
    group by org_id, feed
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

-- one row a result, side and currency of the records that are members of results
{% for role in ['source', 'target'] -%}
{{ role }}_members as {{ kept_cte() }} (
    select
        org_id,
        ladder,
        {{ role }}_currency as currency,
        case when is_conflicting then 'CONFLICTING' else result end as result,
        count(*) as row_count,
        cast(sum({{ role }}_amount_minor) as {{ type_decimal(38, 0) }}) as amount_minor,
        cast(sum({{ record_fingerprint(role ~ '_batch_id', role ~ '_row_number') }}) as {{ type_decimal(38, 0) }}) as fingerprint
    from {{ ref('reconciliation_results') }}
    where {{ role }}_batch_id is not null
    group by org_id, ladder, {{ role }}_currency, case when is_conflicting then 'CONFLICTING' else result end
    {%- for ladder in ladders %}
    {%- for step in ladder.steps if _step_many(ladder.name, step) == role %}
    {%- set one = 'target' if role == 'source' else 'source' %}
    union all
    select
        members.org_id,
        '{{ ladder.name }}' as ladder,
        members.{{ role }}_currency as currency,
        case when groups.anomalies = '' then 'MATCHED' else 'MISMATCHED' end as result,
        count(*) as row_count,
        cast(sum(members.{{ role }}_amount_minor) as {{ type_decimal(38, 0) }}) as amount_minor,
        cast(sum({{ record_fingerprint('members.' ~ role ~ '_batch_id', 'members.' ~ role ~ '_row_number') }}) as {{ type_decimal(38, 0) }}) as fingerprint
    from {{ ref(ladder.name ~ '__' ~ step) }} as members
    inner join {{ ref(ladder.name ~ '__' ~ step) }} as groups
        on
            groups.outcome = 'GROUP'
            and members.group_batch_id = groups.{{ one }}_batch_id
            and members.group_row_number = groups.{{ one }}_row_number
    where members.outcome = 'MEMBER'
    group by members.org_id, members.{{ role }}_currency, case when groups.anomalies = '' then 'MATCHED' else 'MISMATCHED' end
    {%- endfor %}
    {%- endfor %}
),
{% endfor %}
balances as (
    select
        'lines' as balance,
        org_id,
        scope,
        cast(null as {{ type_text() }}) as side,
        cast(null as {{ type_text() }}) as currency,
        'lines' as unit,
        cast(expected as {{ type_decimal(38, 0) }}) as expected,
        cast(actual as {{ type_decimal(38, 0) }}) as actual,
        'header ' || header_lines || ' + records ' || record_count || ' + breaks inside fields ' || record_line_breaks
        || ' + rejects ' || reject_lines || ' + blank ' || blank_lines as breakdown
    from file_lines
    union all
    select
        'records' as balance,
        landed.org_id,
        landed.scope,
        null as side,
        null as currency,
        'rows' as unit,
        landed.record_count + landed.reject_count as expected,
        coalesce(staged.row_count, 0) + coalesce(rejected.row_count, 0) + coalesce(landed_rejects.reject_count, 0) as actual,
        'staged ' || coalesce(staged.row_count, 0) || ' + rejected ' || coalesce(rejected.row_count, 0)
        || ' + unreadable ' || coalesce(landed_rejects.reject_count, 0) as breakdown
    from landed
    left join staged
        on landed.org_id = staged.org_id and landed.scope = staged.scope
    left join rejected
        on landed.org_id = rejected.org_id and landed.scope = rejected.scope
    left join landed_rejects
        on landed.org_id = landed_rejects.org_id and landed.scope = landed_rejects.scope
    {%- for name, side in sides.items() %}
    {%- for unit, measure in [['rows', 'row_count'], ['minor', 'amount_minor']] %}
    union all
    select
        'versions' as balance,
        whole.org_id,
        '{{ side.spec }}' as scope,
        null as side,
        whole.currency,
        '{{ unit }}' as unit,
        max(whole.{{ measure }}) as expected,
        coalesce(sum(part.{{ measure }}), 0) as actual,
        concat_ws(
            ' + '
            {%- for part in parts %},
            '{{ part | lower }} ' || sum(case when part.part = '{{ part }}' then part.{{ measure }} end)
            {%- endfor %}
        ) as breakdown
    from {{ name }}_staged as whole
    left join {{ name }}_parts as part
        on whole.org_id = part.org_id and whole.currency = part.currency
    group by whole.org_id, whole.currency
    {%- endfor %}
    {%- endfor %}
    {%- for ladder in ladders %}
    {%- for role in ['source', 'target'] %}
    {%- for unit, measure in [['rows', 'row_count'], ['minor', 'amount_minor'], ['records', 'fingerprint']] %}
    {%- for balance, kept, made in [
        ['ladder', ['LIVE'], results], ['conflicts', ['CONFLICTING'], ['CONFLICTING']], ['duplicates', ['SURPLUS'], ['DUPLICATE']]
    ] if balance != 'duplicates' or _owns_copies(ladder.name, role) %}
    union all
    select
        '{{ balance }}' as balance,
        coalesce(taken.org_id, made.org_id) as org_id,
        '{{ ladder.name }}' as scope,
        '{{ role }}' as side,
        coalesce(taken.currency, made.currency) as currency,
        '{{ unit }}' as unit,
        coalesce(taken.measure, 0) as expected,
        coalesce(made.measure, 0) as actual,
        {{ 'made.breakdown' if unit != 'records' else 'cast(null as ' ~ type_text() ~ ') as breakdown' }}
    from (
        select org_id, currency, sum({{ measure }}) as measure
        from {{ ladder[role].records }}_parts
        where part in ('{{ kept | join("', '") }}')
        group by org_id, currency
    ) as taken
    full outer join (
        select
            org_id,
            currency,
            sum({{ measure }}) as measure,
            concat_ws(
                ' + '
                {%- for result in made %},
                '{{ result | lower }} ' || sum(case when result = '{{ result }}' then {{ measure }} end)
                {%- endfor %}
            ) as breakdown
        from {{ role }}_members
        where ladder = '{{ ladder.name }}' and result in ('{{ made | join("', '") }}')
        group by org_id, currency
    ) as made
        on taken.org_id = made.org_id and taken.currency = made.currency
    {%- endfor %}
    {%- endfor %}
    {%- endfor %}
    {%- for step in ladder.steps %}
    {#- A step that comes next holds what it took in rows of its own; the last one's left-overs become verdicts. #}
    {%- set next_step = ladder.steps[loop.index] if not loop.last else none %}
    {%- set next = ladder.name ~ '__' ~ (ladder.steps[loop.index] if not loop.last else 'unmatched') %}
    {%- for role in ['source', 'target'] %}
    {%- for unit in ['rows', 'minor'] %}
    union all
    select
        'handover' as balance,
        coalesce(given.org_id, taken.org_id) as org_id,
        '{{ ladder.name }}__{{ step }} -> {{ next }}' as scope,
        '{{ role }}' as side,
        coalesce(given.currency, taken.currency) as currency,
        '{{ unit }}' as unit,
        coalesce(given.measure, 0) as expected,
        coalesce(taken.measure, 0) as actual,
        cast(null as {{ type_text() }}) as breakdown
    from (
        select
            org_id,
            {{ role }}_currency as currency,
            {{ 'count(*)' if unit == 'rows' else 'cast(sum(' ~ role ~ '_amount_minor) as ' ~ type_decimal(38, 0) ~ ')' }} as measure
        from {{ ref(ladder.name ~ '__' ~ step) }}
        where outcome = 'LEFT' and side = '{{ role | upper }}'
        group by org_id, {{ role }}_currency
    ) as given
    full outer join (
        {%- if next_step %}
        {%- set on = _step_keys(ladder.name, next_step) %}
        select
            rows_of_step.org_id,
            {{ _held_column('rows_of_step', role, 'currency', on) }} as currency,
            {%- if unit == 'rows' %}
            count(*) as measure
            {%- else %}
            cast(sum({{ _held_column('rows_of_step', role, 'amount_minor', on) }}) as {{ type_decimal(38, 0) }}) as measure
            {%- endif %}
        from {{ ref(next) }} as rows_of_step
        where rows_of_step.{{ role }}_batch_id is not null
        group by rows_of_step.org_id, {{ _held_column('rows_of_step', role, 'currency', on) }}
        {%- else %}
        select
            org_id,
            currency,
            {{ 'count(*)' if unit == 'rows' else 'cast(sum(amount_minor) as ' ~ type_decimal(38, 0) ~ ')' }} as measure
        from {{ ref(next) }}
        where side = '{{ role | upper }}'
        group by org_id, currency
        {%- endif %}
    ) as taken
        on given.org_id = taken.org_id and given.currency = taken.currency
    {%- endfor %}
    {%- endfor %}
    {%- endfor %}
    {%- endfor %}
),

-- what files say of themselves; where it does not hold the file is at fault, and the books close all the same
stated_by_files as (
    {%- for model in var('identities', []) %}
    select
        org_id,
        balance,
        scope,
        currency,
        expected,
        actual,
        batch_id,
        holds
    from {{ ref(model) }}
    union all
    {%- endfor %}
    select
        cast(null as {{ type_text() }}) as org_id,
        cast(null as {{ type_text() }}) as balance,
        cast(null as {{ type_text() }}) as scope,
        cast(null as {{ type_text() }}) as currency,
        cast(null as {{ type_decimal(38, 0) }}) as expected,
        cast(null as {{ type_decimal(38, 0) }}) as actual,
        cast(null as {{ type_text() }}) as batch_id,
        cast(null as boolean) as holds
    where false
),

control_totals as (
    select
        cast('books' as {{ type_text() }}) as of_what,
        org_id,
        cast(balance as {{ type_text() }}) as balance,
        cast(scope as {{ type_text() }}) as scope,
        cast(side as {{ type_text() }}) as side,
        cast(currency as {{ type_text() }}) as currency,
        cast(unit as {{ type_text() }}) as unit,
        cast(expected as {{ type_decimal(38, 0) }}) as expected,
        cast(actual as {{ type_decimal(38, 0) }}) as actual,
        cast(expected - actual as {{ type_decimal(38, 0) }}) as difference,
        coalesce(expected = actual, false) as holds,
        cast(breakdown as {{ type_text() }}) as breakdown,
        cast(null as {{ type_text() }}) as batch_id
    from balances
    union all
    select
        'file' as of_what,
        org_id,
        cast(balance as {{ type_text() }}) as balance,
        cast(scope as {{ type_text() }}) as scope,
        null as side,
        cast(currency as {{ type_text() }}) as currency,
        case when balance in ('sequence', 'entries', 'file_count') then 'records' else 'minor' end as unit,
        cast(expected as {{ type_decimal(38, 0) }}) as expected,
        cast(actual as {{ type_decimal(38, 0) }}) as actual,
        cast(expected - actual as {{ type_decimal(38, 0) }}) as difference,
        coalesce(holds, false) as holds,
        null as breakdown,
        cast(batch_id as {{ type_text() }}) as batch_id
    from stated_by_files
)

select *
from control_totals
