{{ config(materialized='table') }}
-- Every day of every calendar with its number, counted in business days: two days lie as many business days apart as their numbers.
with days as (
    {{ days_between('2000-01-01', '2060-12-31') }}
),

calendars as (
    select 'weekdays' as calendar
    union
    select calendar
    from {{ ref('holidays') }}
),

judged as (
    select
        calendars.calendar,
        days.day,
        case
            when extract(isodow from days.day) > 5 or holidays.holiday is not null then 0
            else 1
        end as is_business_day
    from days
    cross join calendars
    left join {{ ref('holidays') }} as holidays
        on calendars.calendar = holidays.calendar and days.day = holidays.holiday
),

business_days as (
    select
        cast(calendar as {{ type_text() }}) as calendar,
        day,
        is_business_day = 1 as is_business_day,
        -- a day that is none has the number of the last one before it
        cast(sum(is_business_day) over (partition by calendar order by day) as bigint) as number
    from judged
)

select *
from business_days
