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

-- the canonical records of every side, by what has become of them
recorded as {{ kept_cte() }} (
    {%- for name, side in sides.items() %}
    select
        '{{ name }}' as records,
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
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

-- the same without asking what has become of them, so that no join can hide or double one
whole as {{ kept_cte() }} (
    {%- for name, side in sides.items() %}
    select
        '{{ name }}' as records,
        org_id,
        currency,
        count(*) as row_count,
        cast(sum(amount_minor) as {{ type_decimal(38, 0) }}) as amount_minor
    from {{ ref(name) }}
    group by org_id, currency
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

ladder_sides as (
    {%- for ladder in ladders %}
    {%- set outer = loop %}
    {%- for role in ['source', 'target'] %}
    select
        '{{ ladder.name }}' as ladder,
        '{{ role }}' as side,
        '{{ ladder[role].records }}' as records,
        {{ 1 if _owns_copies(ladder.name, role) else 0 }} as owns_copies
    {{- '\n    union all' if not (loop.last and outer.last) }}
    {%- endfor %}
    {%- endfor %}
),

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
members as {{ kept_cte() }} (
    {%- for role in ['source', 'target'] %}
    {%- set outer = loop %}
    select
        '{{ role }}' as side,
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
        '{{ role }}' as side,
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
    {{- '\n    union all' if not outer.last }}
    {%- endfor %}
),

-- what a step leaves, and what the next one, or the verdict, has taken
handed as (
    {%- for ladder in ladders %}
    {%- set outer = loop %}
    {%- for step in ladder.steps %}
    {%- set middle = loop %}
    {%- set next_step = ladder.steps[loop.index] if not loop.last else none %}
    {%- set next = ladder.name ~ '__' ~ (next_step or 'unmatched') %}
    {%- set on = _step_keys(ladder.name, next_step) if next_step else [] %}
    {%- for role in ['source', 'target'] %}
    {%- set currency = _held_column('rows_of_step', role, 'currency', on) if next_step else 'rows_of_step.currency' %}
    {%- set amount = _held_column('rows_of_step', role, 'amount_minor', on) if next_step else 'rows_of_step.amount_minor' %}
    select
        '{{ ladder.name }}__{{ step }} -> {{ next }}' as scope,
        '{{ role }}' as side,
        org_id,
        {{ role }}_currency as currency,
        1 as is_given,
        count(*) as row_count,
        cast(sum({{ role }}_amount_minor) as {{ type_decimal(38, 0) }}) as amount_minor
    from {{ ref(ladder.name ~ '__' ~ step) }}
    where outcome = 'LEFT' and side = '{{ role | upper }}'
    group by org_id, {{ role }}_currency
    union all
    select
        '{{ ladder.name }}__{{ step }} -> {{ next }}' as scope,
        '{{ role }}' as side,
        rows_of_step.org_id,
        {{ currency }} as currency,
        0 as is_given,
        count(*) as row_count,
        cast(sum({{ amount }}) as {{ type_decimal(38, 0) }}) as amount_minor
    {%- if next_step or ladder.hourly_window is none %}
    from {{ ref(next) }} as rows_of_step
    {%- else %}
    from (
        select
            org_id,
            side,
            currency,
            amount_minor
        from {{ ref(next) }}
        union all
        select
            org_id,
            side,
            currency,
            amount_minor
        from (
            {{ _held_records(ladder) | indent(12) }}
        ) as held
    ) as rows_of_step
    {%- endif %}
    where {{ 'rows_of_step.' ~ role ~ '_batch_id is not null' if next_step else "rows_of_step.side = '" ~ role | upper ~ "'" }}
    group by rows_of_step.org_id, {{ currency }}
    {{- '\n    union all' if not (loop.last and middle.last and outer.last) }}
    {%- endfor %}
    {%- endfor %}
    {%- endfor %}
),

units as (
    select 'rows' as unit
    union all
    select 'minor' as unit
    union all
    select 'records' as unit
),

-- every amount that went in or came out, one row each; what comes out says as what
ledger as (
    select
        'versions' as balance,
        whole.org_id,
        case whole.records
            {%- for name, side in sides.items() %}
            when '{{ name }}' then '{{ side.spec }}'
            {%- endfor %}
        end as scope,
        cast(null as {{ type_text() }}) as side,
        whole.currency,
        units.unit,
        case units.unit when 'rows' then cast(whole.row_count as {{ type_decimal(38, 0) }}) else whole.amount_minor end as expected,
        cast(0 as {{ type_decimal(38, 0) }}) as actual,
        cast(null as {{ type_text() }}) as part
    from whole
    cross join units
    where units.unit <> 'records'
    union all
    select
        'versions' as balance,
        recorded.org_id,
        case recorded.records
            {%- for name, side in sides.items() %}
            when '{{ name }}' then '{{ side.spec }}'
            {%- endfor %}
        end as scope,
        null as side,
        recorded.currency,
        units.unit,
        0 as expected,
        case units.unit when 'rows' then recorded.row_count else recorded.amount_minor end as actual,
        recorded.part
    from recorded
    cross join units
    where units.unit <> 'records'
    union all
    select
        case recorded.part when 'LIVE' then 'ladder' when 'CONFLICTING' then 'conflicts' else 'duplicates' end as balance,
        recorded.org_id,
        ladder_sides.ladder as scope,
        ladder_sides.side,
        recorded.currency,
        units.unit,
        case units.unit when 'rows' then recorded.row_count when 'minor' then recorded.amount_minor else recorded.fingerprint end as expected,
        0 as actual,
        null as part
    from recorded
    inner join ladder_sides
        on recorded.records = ladder_sides.records{{ _of_their_orgs('ladder_sides.ladder', 'recorded.org_id', by='ladder') }}
    cross join units
    where recorded.part in ('LIVE', 'CONFLICTING') or (recorded.part = 'SURPLUS' and ladder_sides.owns_copies = 1)
    union all
    select
        case members.result when 'CONFLICTING' then 'conflicts' when 'DUPLICATE' then 'duplicates' else 'ladder' end as balance,
        members.org_id,
        members.ladder as scope,
        members.side,
        members.currency,
        units.unit,
        0 as expected,
        case units.unit when 'rows' then members.row_count when 'minor' then members.amount_minor else members.fingerprint end as actual,
        case when units.unit <> 'records' then members.result end as part
    from members
    cross join units
    union all
    select
        'handover' as balance,
        handed.org_id,
        handed.scope,
        handed.side,
        handed.currency,
        units.unit,
        case when handed.is_given = 1 then case units.unit when 'rows' then handed.row_count else handed.amount_minor end else 0 end as expected,
        case when handed.is_given = 0 then case units.unit when 'rows' then handed.row_count else handed.amount_minor end else 0 end as actual,
        null as part
    from handed
    cross join units
    where units.unit <> 'records'
),

by_part as (
    select
        balance,
        org_id,
        scope,
        side,
        currency,
        unit,
        part,
        sum(coalesce(expected, 0)) as expected,
        sum(coalesce(actual, 0)) as actual,
        min(
            case part
                {%- for part in parts + results %}
                when '{{ part }}' then {{ loop.index }}
                {%- endfor %}
                else 99
            end
        ) as place
    from ledger
    group by balance, org_id, scope, side, currency, unit, part
),

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
    union all
    select
        balance,
        org_id,
        scope,
        side,
        currency,
        unit,
        sum(expected) as expected,
        sum(actual) as actual,
        string_agg({{ ascii_lower('part') }} || ' ' || cast(actual as {{ type_text() }}), ' + ' order by place) as breakdown
    from by_part
    group by balance, org_id, scope, side, currency, unit
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

-- a file may break one promise in several places: the promise stands once, and holds only if all of them do
said_by_files as (
    select
        org_id,
        balance,
        scope,
        currency,
        batch_id,
        sum(coalesce(expected, 0)) as expected,
        sum(coalesce(actual, 0)) as actual,
        max(case when coalesce(holds, false) then 0 else 1 end) as broken,
        max(case when expected is null then 1 else 0 end) as states_nothing
    from stated_by_files
    group by org_id, balance, scope, currency, batch_id
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
        broken = 0 as holds,
        case when states_nothing = 1 then 'what the file should state is not there' end as breakdown,
        cast(batch_id as {{ type_text() }}) as batch_id
    from said_by_files
)

select *
from control_totals
