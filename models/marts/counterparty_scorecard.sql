{#- Of a pair the source's money; what is ambiguous stands with one side only, but a slice of the summary may hold some of either. -#}
{%- set money %}
case when result = 'AMBIGUOUS' then coalesce(source_amount_minor, 0) + coalesce(target_amount_minor, 0) else coalesce(source_amount_minor, target_amount_minor) end
{%- endset %}
-- How well each counterparty agrees with us: what was judged, what matched, and what is still open. Amounts of different currencies are never added.
with judged as (
    select
        org_id,
        stream,
        counterparty_id,
        currency,
        sum(case when result not in ('PENDING', 'DUPLICATE', 'EXCLUDED') then result_count else 0 end) as judged_count,
        sum(case when result = 'MATCHED' then result_count else 0 end) as matched_count,
        sum(case when result = 'MISMATCHED' then result_count else 0 end) as mismatched_count,
        sum(case when result in ('MISSING_SOURCE', 'MISSING_TARGET') then result_count else 0 end) as missing_count,
        sum(late_count) as late_count,
        sum(case when result not in ('PENDING', 'DUPLICATE', 'EXCLUDED') then {{ money }} else 0 end) as judged_minor,
        sum(case when result = 'MATCHED' then {{ money }} else 0 end) as matched_minor,
        sum(absolute_difference_minor) as absolute_difference_minor
    from {{ ref('reconciliation_summary') }}
    group by org_id, stream, counterparty_id, currency
),

open_exceptions as (
    select
        org_id,
        stream,
        counterparty_id,
        currency,
        count(*) as open_count,
        sum(amount_minor) as open_minor
    from {{ ref('exceptions') }}
    where state <> 'RESOLVED'
    group by org_id, stream, counterparty_id, currency
),

counterparty_scorecard as (
    select
        judged.org_id,
        judged.stream,
        judged.counterparty_id,
        judged.currency,
        cast(judged.judged_count as bigint) as judged_count,
        cast(judged.matched_count as bigint) as matched_count,
        cast(judged.mismatched_count as bigint) as mismatched_count,
        cast(judged.missing_count as bigint) as missing_count,
        cast(judged.late_count as bigint) as late_count,
        -- parts per million, rounded down: whole, so that every engine says the same
        case when judged.judged_count > 0 then {{ integer_divide('judged.matched_count * 1000000', 'judged.judged_count') }} end as match_ppm,
        cast(judged.judged_minor as {{ type_decimal(38, 0) }}) as judged_minor,
        cast(judged.matched_minor as {{ type_decimal(38, 0) }}) as matched_minor,
        cast(judged.absolute_difference_minor as {{ type_decimal(38, 0) }}) as absolute_difference_minor,
        cast(coalesce(open_exceptions.open_count, 0) as bigint) as open_count,
        cast(coalesce(open_exceptions.open_minor, 0) as {{ type_decimal(38, 0) }}) as open_minor
    from judged
    left join open_exceptions
        on
            judged.org_id = open_exceptions.org_id
            and judged.stream = open_exceptions.stream
            and judged.counterparty_id is not distinct from open_exceptions.counterparty_id
            and judged.currency is not distinct from open_exceptions.currency
)

select *
from counterparty_scorecard
