{{ config(tags=['law'], meta={'law': 10, 'dagster': {'ref': {'name': 'reconciliation_results'}}}) }}
-- Law 10, missing is checked before null, and codes are codes. Guards that no null slipped through a comparison into a verdict: what is matched has both sides
-- and all that was compared, what is missing lacks the side that its code names, and a result and its anomalies agree.
select
    result_id,
    result,
    anomalies
from {{ ref('reconciliation_results') }}
where
    not coalesce(
        case
            -- the side of a group that has several records has none of its own: their sum stands for them
            when result = 'MATCHED' and member_count is not null then
                anomalies = ''
                and member_count > 0
                and (source_batch_id is null) <> (target_batch_id is null)
                and case
                    when base_currency is null then source_currency = target_currency and difference_minor is not null
                    else base_difference_minor is not null
                end
                and rule_version is not null
            when result = 'MISMATCHED' and member_count is not null then
                anomalies <> '' and member_count > 0 and (source_batch_id is null) <> (target_batch_id is null) and rule_version is not null
            when result = 'MATCHED' and reason = 'FORCE_MATCHED' then
                anomalies = '' and source_batch_id is not null and target_batch_id is not null and rule_version is not null
            when result = 'MATCHED' then
                anomalies = ''
                and source_batch_id is not null
                and target_batch_id is not null
                and case
                    when base_currency is null then source_currency = target_currency and difference_minor is not null
                    else base_difference_minor is not null
                end
                and source_status is not null
                and target_status is not null
                and skew_microseconds is not null
                and rule_version is not null
            when result = 'MISMATCHED' then
                anomalies <> '' and source_batch_id is not null and target_batch_id is not null and rule_version is not null
            when result = 'MISSING_TARGET' then anomalies <> '' and source_batch_id is not null and target_batch_id is null
            when result = 'MISSING_SOURCE' then anomalies <> '' and source_batch_id is null and target_batch_id is not null
            when result = 'PENDING' then
                anomalies = '' and reason in ('FEED_LATE', 'IN_GRACE', 'AWAITING_DAILY') and (source_batch_id is null) <> (target_batch_id is null)
            when result = 'AMBIGUOUS' then anomalies <> '' and (source_batch_id is null) <> (target_batch_id is null)
            when result = 'DUPLICATE' then anomalies <> '' and copy_ordinal > 1
            when result = 'EXCLUDED' then true
        end,
        false
    )
