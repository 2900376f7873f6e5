{{ config(materialized='table') }}
-- The anomalies that hold now, one row each, with a stable id and what a person must know of them.
{%- set kept = [
    'org_id', 'stream', 'ladder', 'step', 'result', 'result_id', 'source_system', 'source_activity_id', 'target_system', 'target_activity_id',
    'counterparty_id', 'business_date', 'source_currency', 'target_currency', 'source_amount_minor', 'target_amount_minor', 'difference_minor',
    'source_status', 'target_status', 'skew_microseconds', 'copy_ordinal', 'is_conflicting', 'due_at', 'price_abs_minor', 'price_pct', 'skew_seconds',
    'rule_version', 'source_batch_id', 'source_row_number', 'target_batch_id', 'target_row_number', 'rejected_batch_id', 'rejected_row_number', 'member_count',
    'base_currency', 'base_difference_minor', 'source_rate', 'source_rate_date', 'source_rate_source', 'target_rate', 'target_rate_date', 'target_rate_source',
    'attribute_differences'
] %}
{%- set findings = [] %}
{%- for declared in var('streams').values() %}{% do findings.extend(declared.get('findings') or []) %}{% endfor %}
{%- do findings.append('tolerance_overruns') %}
with anomalies_found as (
    select
        {%- for column in kept %}
        results.{{ column }},
        {%- endfor %}
        {{ text_literal(none) }} as detail,
        results.anomalies as all_anomalies,
        {{ split_rows('results.anomalies') }} as anomaly
    from {{ ref('reconciliation_results') }} as results
    where results.anomalies <> ''
    {#- What a stream finds without comparing two sides: models in the columns of a source record, see docs/adding-a-stream.md. #}
    {%- for finding in findings %}
    union all
    select
        found.org_id,
        found.stream,
        found.ladder,
        found.step,
        'FINDING' as result,
        found.org_id || '/' || found.stream || '/' || found.step || '/' || found.system || '/' || found.activity_id as result_id,
        found.system as source_system,
        found.activity_id as source_activity_id,
        {{ text_literal(none) }} as target_system,
        {{ text_literal(none) }} as target_activity_id,
        found.counterparty_id,
        found.business_date,
        found.currency as source_currency,
        {{ text_literal(none) }} as target_currency,
        found.amount_minor as source_amount_minor,
        cast(null as bigint) as target_amount_minor,
        found.difference_minor,
        {{ text_literal(none) }} as source_status,
        {{ text_literal(none) }} as target_status,
        cast(null as bigint) as skew_microseconds,
        cast(null as integer) as copy_ordinal,
        false as is_conflicting,
        cast(null as timestamp) as due_at,
        cast(null as bigint) as price_abs_minor,
        cast(null as {{ type_decimal(18, 9) }}) as price_pct,
        cast(null as bigint) as skew_seconds,
        found.rule_version,
        found.batch_id as source_batch_id,
        found.row_number as source_row_number,
        {{ text_literal(none) }} as target_batch_id,
        cast(null as bigint) as target_row_number,
        {{ text_literal(none) }} as rejected_batch_id,
        cast(null as bigint) as rejected_row_number,
        cast(null as integer) as member_count,
        {%- for column in kept[-9:] %}
        cast(null as {{ 'bigint' if column == 'base_difference_minor' else _evidence_type(column) }}) as {{ column }},
        {%- endfor %}
        found.detail,
        found.anomaly as all_anomalies,
        found.anomaly
    from {{ ref(finding) }} as found
    {%- endfor %}
),

identified as (
    select
        anomalies_found.*,
        -- the natural key: never a batch, a row or a run, so that the same problem found again is the same exception
        md5({{ joined_text([
            'org_id', 'stream', 'ladder', 'anomaly', 'source_system', 'source_activity_id', 'target_system', 'target_activity_id', 'copy_ordinal'
        ]) | indent(8) }}) as exception_id,
        case
            when anomaly = 'PRICE_MISMATCH' and base_difference_minor is not null then base_currency
            else coalesce(source_currency, target_currency)
        end as currency,
        case
            when anomaly = 'PRICE_MISMATCH' then abs(coalesce(base_difference_minor, difference_minor))
            -- of a group, and of a finding that measures one, the difference is at stake
            when difference_minor <> 0 and (member_count is not null or result = 'FINDING') then abs(difference_minor)
            else abs(coalesce(source_amount_minor, target_amount_minor))
        end as amount_minor
    from anomalies_found
),

-- the conflicting versions of one record are one problem, and so are the surplus copies of its versions: the largest amount stands for them; nothing else
-- occurs twice
ranked as (
    select
        identified.*,
        1 as occurrence
    from identified
    where not (is_conflicting or copy_ordinal is not null)
    union all
    select
        identified.*,
        row_number() over (
            partition by exception_id
            order by amount_minor desc, coalesce(source_batch_id, target_batch_id), coalesce(source_row_number, target_row_number)
        ) as occurrence
    from identified
    where is_conflicting or copy_ordinal is not null
),

found_codes as (
    select distinct anomaly
    from ranked
),

-- exactly one meaning a code: of the beginnings that fit the longest; a code that the seed does not know stands for itself
fitting_meanings as (
    select
        found_codes.anomaly,
        known.title,
        known.next_action,
        known.is_absorbable,
        row_number() over (partition by found_codes.anomaly order by length(known.anomaly_prefix) desc) as preference
    from found_codes
    left join {{ ref('anomalies') }} as known
        on
            found_codes.anomaly = known.anomaly_prefix
            or (right(known.anomaly_prefix, 1) = '_' and left(found_codes.anomaly, length(known.anomaly_prefix)) = known.anomaly_prefix)
),

meanings as (
    select
        anomaly,
        coalesce(title, anomaly) as title,
        coalesce(
            next_action,
            'Compare the records and correct the side that is wrong. What this code means and what to do about it belongs in seeds/anomalies.csv.'
        ) as next_action,
        coalesce({{ ascii_lower('title') }}, anomaly) || '.' as words,
        coalesce(is_absorbable, false) as is_absorbable
    from fitting_meanings
    where preference = 1
),

-- few, and read twice
unusable as {{ kept_cte() }} (
    select
        org_id,
        feed,
        source_file,
        batch_id,
        row_number,
        record_id,
        reasons
    from {{ ref('unusable_records') }}
),

-- of a match of two ids, the record that one of them has on the other side and that could not be read
twins_found as (
    {%- for role, other in [('source', 'target'), ('target', 'source')] %}
    select
        ranked.exception_id,
        max('id ' || unusable.record_id || ' in ' || unusable.source_file) as twin
    from ranked
    inner join unusable
        on
            ranked.org_id = unusable.org_id
            and ranked.{{ role }}_activity_id = unusable.record_id
            and ranked.{{ other }}_system = split_part(unusable.feed, '/', 1)
    where ranked.anomaly = 'ID_MISMATCH'
    group by ranked.exception_id
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

rejected_twins as (
    select
        exception_id,
        min(twin) as twin
    from twins_found
    group by exception_id
),

described as (
    select
        ranked.*,
        meanings.title,
        meanings.next_action,
        meanings.words,
        -- a clear difference: of two known amounts, and nothing else is wrong
        meanings.is_absorbable
        and ranked.all_anomalies = ranked.anomaly
        and not ranked.is_conflicting
        and coalesce(ranked.amount_minor > 0 and coalesce(ranked.base_difference_minor, ranked.difference_minor) <> 0, false) as is_absorbable,
        source_currencies.exponent as source_exponent,
        target_currencies.exponent as target_exponent,
        base_currencies.exponent as base_exponent,
        source_batches.source_file as source_file,
        target_batches.source_file as target_file,
        rejected_batches.source_file as rejected_file,
        rejected_records.reasons as rejected_reasons,
        rejected_twins.twin as rejected_twin
    from ranked
    inner join meanings
        on ranked.anomaly = meanings.anomaly
    left join {{ ref('currencies') }} as source_currencies
        on ranked.source_currency = source_currencies.currency
    left join {{ ref('currencies') }} as target_currencies
        on ranked.target_currency = target_currencies.currency
    left join {{ ref('currencies') }} as base_currencies
        on ranked.base_currency = base_currencies.currency
    left join {{ source('landing', 'batches') }} as source_batches
        on ranked.source_batch_id = source_batches.batch_id
    left join {{ source('landing', 'batches') }} as target_batches
        on ranked.target_batch_id = target_batches.batch_id
    left join {{ source('landing', 'batches') }} as rejected_batches
        on ranked.rejected_batch_id = rejected_batches.batch_id
    left join unusable as rejected_records
        on ranked.rejected_batch_id = rejected_records.batch_id and ranked.rejected_row_number = rejected_records.row_number
    left join rejected_twins
        on ranked.exception_id = rejected_twins.exception_id
    where ranked.occurrence = 1
),

worded as (
    select
        described.*,
        case when source_activity_id is null then source_amount_minor else target_amount_minor end as sum_minor,
        coalesce(source_exponent, target_exponent) as sum_exponent,
        {%- for side in ['source', 'target'] %}
        -- what is unknown is left out, so that there is always a sentence
        {{ ascii_upper(side ~ '_system') }} || ' ' || {{ side }}_activity_id || coalesce(' (' || nullif(concat_ws(
            ', ',
            {{ minor_text(side ~ '_amount_minor', side ~ '_exponent') }} || ' ' || {{ side }}_currency,
            {{ side }}_status
        ), '') || ')', '') as {{ side }}_words,
        {%- endfor %}
        concat_ws(
            ' or ',
            case
                when price_abs_minor > 0 or price_pct = 0
                    then {{ minor_text('price_abs_minor', 'coalesce(base_exponent, source_exponent)') }} || ' ' || coalesce(base_currency, source_currency)
            end,
            case when price_pct > 0 then {{ percent_text('price_pct') }} || ' %' end
        ) || case when price_abs_minor > 0 and price_pct > 0 then ', whichever is more' else '' end as allowed_price
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
            when detail is not null then detail
            when member_count is not null and difference_minor <> 0
                then 'its ' || cast(member_count as {{ type_text() }}) || ' records add up to '
                    || {{ minor_text('sum_minor', 'sum_exponent') }} || ' ' || currency
                    || ', a difference of ' || {{ minor_text('abs(difference_minor)', 'sum_exponent') }} || ' ' || currency || '.'
            when anomaly = 'PRICE_MISMATCH' and base_difference_minor is not null
                then 'amounts differ by ' || {{ minor_text('abs(base_difference_minor)', 'base_exponent') }} || ' ' || base_currency
                    || coalesce(
                        ' after conversion ('
                        || nullif(concat_ws(
                            '; ',
                            source_rate || ' of ' || cast(source_rate_date as {{ type_text() }}) || ' by ' || source_rate_source,
                            target_rate || ' of ' || cast(target_rate_date as {{ type_text() }}) || ' by ' || target_rate_source
                        ), '') || ')', ''
                    ) || ', allowed: ' || allowed_price || '.'
            when anomaly = 'PRICE_MISMATCH' and difference_minor is null then 'an amount is missing.'
            when anomaly = 'PRICE_MISMATCH'
                then 'amounts differ by ' || {{ minor_text('abs(difference_minor)', 'source_exponent') }} || ' ' || source_currency
                    || ', allowed: ' || allowed_price || '.'
            when anomaly = 'TIMESTAMP_SKEW' and skew_microseconds is null then 'a time is missing.'
            when anomaly = 'TIMESTAMP_SKEW'
                then 'times differ by ' || {{ plain_number(minor_text('abs(skew_microseconds)', '6')) }}
                    || ' seconds, allowed: ' || cast(skew_seconds as {{ type_text() }}) || ' seconds.'
            when anomaly = 'FX_RATE_MISSING'
                then 'no rate converts ' || concat_ws(
                    ' or ',
                    case when source_currency <> base_currency and source_rate is null then source_currency end,
                    case
                        when target_currency <> base_currency and target_rate is null and target_currency is distinct from source_currency
                            then target_currency
                    end
                ) || ' to ' || base_currency || ' on ' || cast(business_date as {{ type_text() }}) || '.'
            when anomaly = 'ATTRIBUTE_MISMATCH' and attribute_differences is not null then attribute_differences || '.'
            when anomaly = 'STATUS_MISMATCH' then 'statuses do not align.'
            when anomaly = 'CURRENCY_MISMATCH' then 'currencies differ, so that no difference can be told.'
            when anomaly = 'ID_MISMATCH' and rejected_twin is not null
                then 'nothing else that could be read could be the other one, but their ids differ, and the record of ' || rejected_twin
                    || ' could not be read: it may be the true one.'
            when anomaly = 'ID_MISMATCH' then 'nothing else in either system could be the other one, but their ids differ.'
            when rejected_file is not null
                then 'the record of this id in ' || rejected_file || ', row ' || cast(rejected_row_number as {{ type_text() }}) || ', could not be read ('
                    || coalesce(rejected_reasons, 'see rejected_records') || ').'
            when left(anomaly, 8) = 'MISSING_'
                then 'has no counterpart' || coalesce('; it was due by ' || substr(cast(due_at as {{ type_text() }}), 1, 16) || ' UTC', '') || '.'
            when left(anomaly, 10) = 'DUPLICATE_' then 'copy ' || cast(copy_ordinal as {{ type_text() }}) || ' of the same record in one delivery.'
            else words
        end as explanation,
        case
            when rejected_twin is not null
                then 'Have the record that could not be read corrected and deliver it again, before any id is changed: then both are matched anew.'
            else next_action
        end as next_action,
        source_system,
        source_activity_id,
        target_system,
        target_activity_id,
        counterparty_id,
        business_date,
        difference_minor,
        cast(coalesce(base_difference_minor, difference_minor) as bigint) as signed_minor,
        is_absorbable,
        rule_version,
        source_file,
        -- further legs of a row are numbered beyond all rows
        {{ file_row('source_row_number') }} as source_row_number,
        target_file,
        {{ file_row('target_row_number') }} as target_row_number,
        rejected_file,
        rejected_row_number
    from worded
)

select *
from current_exceptions
