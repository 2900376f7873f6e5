{{ config(tags=['law'], meta={'law': 1, 'dagster': {'ref': {'name': 'control_totals'}}}) }}
-- Law 1, nothing is lost. Guards every total of `control_totals`: lines of files, records of feeds, versions, ladders and what steps hand on, in rows and in
-- minor units. Also that each org that ever delivered stands there: a total that is not written cannot be wrong.
with broken as (
    select
        org_id,
        balance,
        scope,
        side,
        currency,
        unit,
        expected,
        actual
    from {{ ref('control_totals') }}
    where of_what = 'books' and holds is distinct from true
),

unaccounted as (
    select distinct
        batches.org_id,
        'absent' as balance,
        batches.system || '/' || batches.feed as scope,
        cast(null as {{ type_text() }}) as side,
        cast(null as {{ type_text() }}) as currency,
        'batches' as unit,
        cast(1 as {{ type_decimal(38, 0) }}) as expected,
        cast(0 as {{ type_decimal(38, 0) }}) as actual
    from {{ source('landing', 'batches') }} as batches
    where
        {{ is_received('batches') }}
        and not exists (
            select 1
            from {{ ref('control_totals') }} as totals
            where
                totals.org_id = batches.org_id
                and totals.scope = batches.system || '/' || batches.feed
                and totals.balance = 'records'
        )
),

-- each batch for itself: what one lost another must not make up for
staged as (
    {%- for feed in var('feeds') %}
    select
        batch_id,
        sum(case when is_valid then 1 else 0 end) as valid_rows
    from {{ ref('stg_' ~ feed | replace('/', '__')) }}
    group by batch_id
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

rejected as (
    {%- for feed in var('feeds') %}
    select
        batch_id,
        count(*) as row_count,
        sum(case when reasons = '' then 1 else 0 end) as without_reason
    from {{ ref('rejected_' ~ feed | replace('/', '__')) }}
    group by batch_id
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

broken_batches as (
    select
        batches.org_id,
        'batch ' || batches.batch_id as balance,
        batches.system || '/' || batches.feed as scope,
        cast(null as {{ type_text() }}) as side,
        cast(null as {{ type_text() }}) as currency,
        'rows' as unit,
        cast(batches.record_count as {{ type_decimal(38, 0) }}) as expected,
        cast(coalesce(staged.valid_rows, 0) + coalesce(rejected.row_count, 0) as {{ type_decimal(38, 0) }}) as actual
    from {{ source('landing', 'batches') }} as batches
    left join staged
        on batches.batch_id = staged.batch_id
    left join rejected
        on batches.batch_id = rejected.batch_id
    where
        {{ is_received('batches') }}
        and (
            batches.record_count <> coalesce(staged.valid_rows, 0) + coalesce(rejected.row_count, 0)
            or coalesce(rejected.without_reason, 0) > 0
            or coalesce(
                batches.physical_lines
                <> batches.header_lines + batches.record_count + batches.record_line_breaks + batches.reject_lines + batches.blank_lines,
                batches.format <> 'parquet'
            )
        )
)

select * from broken
union all
select * from unaccounted
union all
select * from broken_batches
