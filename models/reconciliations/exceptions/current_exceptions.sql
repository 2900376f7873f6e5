{{ config(materialized='table') }}
-- The anomalies that hold now, one row each, with a stable id and what a person must know of them.
with anomalies_found as (
    select
        results.*,
        {{ split_rows('results.anomalies') }} as anomaly
    from {{ ref('reconciliation_results') }} as results
    where results.anomalies <> ''
),

identified as (
    select
        anomalies_found.*,
        -- the natural key: never a batch, a row or a run, so that the same problem found again is the same exception
        md5({{ joined_text([
            'org_id', 'stream', 'ladder', 'anomaly', 'source_system', 'source_activity_id', 'target_system', 'target_activity_id', 'copy_ordinal'
        ]) | indent(8) }}) as exception_id,
        coalesce(source_currency, target_currency) as currency,
        case
            when anomaly = 'PRICE_MISMATCH' then abs(difference_minor)
            else abs(coalesce(source_amount_minor, target_amount_minor))
        end as amount_minor
    from anomalies_found
),

-- the conflicting versions of one record are one problem: the largest amount stands for it; nothing else occurs twice
ranked as (
    select
        identified.*,
        1 as occurrence
    from identified
    where not is_conflicting
    union all
    select
        identified.*,
        row_number() over (
            partition by exception_id
            order by amount_minor desc, coalesce(source_batch_id, target_batch_id), coalesce(source_row_number, target_row_number)
        ) as occurrence
    from identified
    where is_conflicting
),

described as (
    select
        ranked.*,
        meanings.title,
        meanings.next_action,
        source_currencies.exponent as source_exponent,
        target_currencies.exponent as target_exponent,
        source_batches.source_file as source_file,
        target_batches.source_file as target_file,
        rejected_batches.source_file as rejected_file,
        rejected_records.reasons as rejected_reasons
    from ranked
    left join {{ ref('anomalies') }} as meanings
        on
            ranked.anomaly = meanings.anomaly_prefix
            or (right(meanings.anomaly_prefix, 1) = '_' and left(ranked.anomaly, length(meanings.anomaly_prefix)) = meanings.anomaly_prefix)
    left join {{ ref('currencies') }} as source_currencies
        on ranked.source_currency = source_currencies.currency
    left join {{ ref('currencies') }} as target_currencies
        on ranked.target_currency = target_currencies.currency
    left join {{ source('landing', 'batches') }} as source_batches
        on ranked.source_batch_id = source_batches.batch_id
    left join {{ source('landing', 'batches') }} as target_batches
        on ranked.target_batch_id = target_batches.batch_id
    left join {{ source('landing', 'batches') }} as rejected_batches
        on ranked.rejected_batch_id = rejected_batches.batch_id
    left join {{ ref('rejected_records') }} as rejected_records
        on ranked.rejected_batch_id = rejected_records.batch_id and ranked.rejected_row_number = rejected_records.row_number
    where ranked.occurrence = 1
),

worded as (
    select
        described.*,
        upper(source_system) || ' ' || source_activity_id || ' ('
        || {{ minor_text('source_amount_minor', 'source_exponent') }} || ' ' || source_currency || ', ' || source_status || ')' as source_words,
        upper(target_system) || ' ' || target_activity_id || ' ('
        || {{ minor_text('target_amount_minor', 'target_exponent') }} || ' ' || target_currency || ', ' || target_status || ')' as target_words
    from described
),

current_exceptions as (
    select
        exception_id,
        org_id,
        stream,
        ladder,
        step,
        cast(anomaly as {{ type_text() }}) as anomaly,
        result,
        result_id,
        currency,
        cast(amount_minor as bigint) as amount_minor,
        title,
        coalesce(source_words || ' and ' || target_words, source_words, target_words) || ': '
        || case
            when anomaly = 'PRICE_MISMATCH'
                then 'amounts differ by ' || {{ minor_text('difference_minor', 'source_exponent') }} || ' ' || source_currency
                    || ', allowed are ' || cast(price_abs_minor as {{ type_text() }}) || ' minor units or '
                    || cast(price_pct as {{ type_text() }}) || ' of the source amount.'
            when anomaly = 'TIMESTAMP_SKEW'
                then 'times differ by ' || cast({{ integer_divide('skew_microseconds', '1000000') }} as {{ type_text() }})
                    || ' seconds, allowed are ' || cast(skew_seconds as {{ type_text() }}) || '.'
            when anomaly = 'STATUS_MISMATCH' then 'statuses do not align.'
            when anomaly = 'CURRENCY_MISMATCH' then 'currencies differ, so that no difference can be told.'
            when anomaly = 'ID_MISMATCH' then 'nothing else in either system could be the other one, but their ids differ.'
            when rejected_file is not null
                then 'the record of this id in ' || rejected_file || ', row ' || cast(rejected_row_number as {{ type_text() }}) || ', could not be read ('
                    || coalesce(rejected_reasons, 'see rejected_records') || ').'
            when left(anomaly, 8) = 'MISSING_'
                then 'has no counterpart; it was due by ' || substr(cast(due_at as {{ type_text() }}), 1, 16) || ' UTC.'
            when left(anomaly, 10) = 'DUPLICATE_' then 'copy ' || cast(copy_ordinal as {{ type_text() }}) || ' of the same record in one delivery.'
            else lower(title) || '.'
        end as explanation,
        next_action,
        source_system,
        source_activity_id,
        target_system,
        target_activity_id,
        counterparty_id,
        business_date,
        difference_minor,
        rule_version,
        source_file,
        source_row_number,
        target_file,
        target_row_number,
        rejected_file,
        rejected_row_number
    from worded
)

select *
from current_exceptions
