-- Counts and money by what people slice by. Amounts of different currencies are never added.
with counted as (
    select
        org_id,
        stream,
        business_date,
        counterparty_id,
        coalesce(source_currency, target_currency) as currency,
        result,
        count(*) as result_count,
        sum(case when anomalies <> '' then 1 else 0 end) as anomaly_count,
        sum(case when is_late then 1 else 0 end) as late_count,
        sum(source_amount_minor) as source_amount_minor,
        sum(case when source_currency is null or source_currency = target_currency then target_amount_minor end) as target_amount_minor,
        sum(difference_minor) as difference_minor,
        sum(abs(difference_minor)) as absolute_difference_minor
    from {{ ref('reconciliation_results') }}
    group by org_id, stream, business_date, counterparty_id, coalesce(source_currency, target_currency), result
),

reconciliation_summary as (
    select
        org_id,
        stream,
        business_date,
        counterparty_id,
        currency,
        result,
        cast(result_count as bigint) as result_count,
        cast(anomaly_count as bigint) as anomaly_count,
        cast(late_count as bigint) as late_count,
        cast(source_amount_minor as {{ type_decimal(38, 0) }}) as source_amount_minor,
        cast(target_amount_minor as {{ type_decimal(38, 0) }}) as target_amount_minor,
        cast(difference_minor as {{ type_decimal(38, 0) }}) as difference_minor,
        cast(absolute_difference_minor as {{ type_decimal(38, 0) }}) as absolute_difference_minor
    from counted
)

select *
from reconciliation_summary
