-- What processors charged, against what was charged to customers: per org, processor, currency and month.
with legs as (
    {{ live_records(records='processor_legs', columns=[
        'org_id', 'system', 'currency', 'business_date', 'activity_type', 'amount_minor'
    ], stream='ecommerce_payouts') }}
),

summed as (
    select
        org_id,
        system,
        currency,
        cast(date_trunc('month', business_date) as date) as month,
        sum(case when activity_type = 'CHARGE' then 1 else 0 end) as charge_count,
        sum(case when activity_type = 'CHARGE' then amount_minor else 0 end) as gross_minor,
        sum(case when activity_type = 'FEE' then -amount_minor else 0 end) as fees_minor,
        sum(case when activity_type = 'FEE_TAX' then -amount_minor else 0 end) as fee_taxes_minor
    from legs
    group by org_id, system, currency, cast(date_trunc('month', business_date) as date)
),

variances as (
    select
        org_id,
        system,
        currency,
        cast(date_trunc('month', business_date) as date) as month,
        count(*) as variance_count,
        sum(-difference_minor) as variance_minor
    from {{ ref('payout_findings') }}
    where anomaly = 'FEE_VARIANCE'
    group by org_id, system, currency, cast(date_trunc('month', business_date) as date)
),

fee_analysis as (
    select
        summed.*,
        coalesce(variances.variance_count, 0) as variance_count,
        coalesce(variances.variance_minor, 0) as variance_minor
    from summed
    left join variances
        on
            summed.org_id = variances.org_id
            and summed.system = variances.system
            and summed.currency = variances.currency
            and summed.month = variances.month
)

select
    org_id,
    system,
    currency,
    month,
    cast(charge_count as bigint) as charge_count,
    cast(gross_minor as {{ type_decimal(38, 0) }}) as gross_minor,
    cast(fees_minor as {{ type_decimal(38, 0) }}) as fees_minor,
    cast(fee_taxes_minor as {{ type_decimal(38, 0) }}) as fee_taxes_minor,
    -- parts per million, rounded down: whole, so that every engine says the same
    -- a cost of more than a million times the charges is no rate
    case
        when gross_minor > 0 and abs(fees_minor + fee_taxes_minor) < 1000000 * gross_minor
            then cast({{ integer_divide('(fees_minor + fee_taxes_minor) * 1000000', 'gross_minor') }} as bigint)
    end as effective_ppm,
    cast(variance_count as bigint) as variance_count,
    cast(variance_minor as {{ type_decimal(38, 0) }}) as variance_minor
from fee_analysis
