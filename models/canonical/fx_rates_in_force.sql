{{ config(
    materialized='table',
    post_hook="{{ mark_processed(consumer='canonical.fx_rates_in_force', upstream=[['canonical.fx_rate_statements']]) }}"
) }}
{#- A rate has nine decimals, so this many of its units are one. -#}
{%- set one = '1000000000' %}
{%- set whole = type_decimal(38, 0) %}
-- The rate of every day into the base currencies in use (into every one, where a policy names none), as a fraction of whole numbers: what an amount is
-- multiplied with and divided by.
with policies as (
    select distinct
        org_id,
        base_currency,
        fx_pivot
    from {{ ref('policies') }}
    where price_basis = 'BASE' or base_currency is not null
),

-- an org's own rate of a day stands before the seed's
stated as (
    select
        org_id,
        rate_date,
        from_currency,
        to_currency,
        rate,
        rate_source,
        1 as preference
    from {{ ref('fx_rate_statements') }}
    where is_effective
    union all
    select
        orgs.org_id,
        seeded.date as rate_date,
        seeded.from_currency,
        seeded.to_currency,
        seeded.rate,
        seeded.source as rate_source,
        2 as preference
    from {{ ref('fx_rates') }} as seeded
    cross join (select distinct org_id from policies) as orgs
),

preferred as (
    select
        stated.*,
        row_number() over (partition by org_id, from_currency, to_currency, rate_date order by preference) as place
    from stated
    where from_currency <> to_currency
),

quoted as (
    select
        org_id,
        rate_date,
        from_currency,
        to_currency,
        {#- Wide before it is multiplied: an engine may keep a product to the digits of its factors. #}
        cast(cast(rate as {{ type_decimal(38, 9) }}) * {{ one }} as {{ whole }}) as units,
        {{ plain_number('rate') }} as rate,
        coalesce(rate_source, 'unnamed source') as rate_source
    from preferred
    where place = 1
),

-- a pair that is quoted the other way round serves too, where the day has no quote of its own
oriented as (
    select
        org_id,
        rate_date,
        from_currency,
        to_currency,
        units as numerator,
        cast({{ one }} as {{ whole }}) as denominator,
        from_currency || '/' || to_currency || ' ' || rate as rate,
        rate_source
    from quoted
    union all
    select
        inverse.org_id,
        inverse.rate_date,
        inverse.to_currency as from_currency,
        inverse.from_currency as to_currency,
        cast({{ one }} as {{ whole }}) as numerator,
        inverse.units as denominator,
        '1 / ' || inverse.from_currency || '/' || inverse.to_currency || ' ' || inverse.rate as rate,
        inverse.rate_source
    from quoted as inverse
    left join quoted as direct
        on
            inverse.org_id = direct.org_id
            and inverse.rate_date = direct.rate_date
            and inverse.from_currency = direct.to_currency
            and inverse.to_currency = direct.from_currency
    where direct.org_id is null
),

-- a quote serves until the next one of its pair
quotes as (
    select
        oriented.*,
        rate_date as valid_from,
        coalesce(
            lead(rate_date) over (partition by org_id, from_currency, to_currency order by rate_date) - 1, date '9999-12-31'
        ) as valid_through
    from oriented
),

-- over the pivot only where the policy names one: the product of two quotes, rounded half-even to nine decimals, as old as the older of the two
over_pivot as (
    select
        policies.org_id,
        policies.fx_pivot,
        first_leg.from_currency,
        second_leg.to_currency,
        greatest(first_leg.valid_from, second_leg.valid_from) as valid_from,
        least(first_leg.valid_through, second_leg.valid_through) as valid_through,
        least(first_leg.rate_date, second_leg.rate_date) as rate_date,
        {#- Four ways to put two fractions together, so that no product has more digits than an engine holds. #}
        case
            when first_leg.denominator = {{ one }} and second_leg.denominator = {{ one }}
                then {{ divide_half_even('first_leg.numerator * second_leg.numerator', one) }}
            when first_leg.denominator = {{ one }}
                then {{ divide_half_even('first_leg.numerator * ' ~ one, 'second_leg.denominator') }}
            when second_leg.denominator = {{ one }}
                then {{ divide_half_even('second_leg.numerator * ' ~ one, 'first_leg.denominator') }}
            else {{ divide_half_even('cast(' ~ one ~ '000000000000000000 as ' ~ whole ~ ')', 'first_leg.denominator * second_leg.denominator') }}
        end as numerator,
        '(' || first_leg.rate || ') * (' || second_leg.rate || ')' as rate,
        first_leg.rate_source || ' and ' || second_leg.rate_source as rate_source
    from policies
    inner join quotes as first_leg
        on policies.org_id = first_leg.org_id and policies.fx_pivot = first_leg.to_currency
    inner join quotes as second_leg
        on
            policies.org_id = second_leg.org_id
            and policies.fx_pivot = second_leg.from_currency
            and second_leg.to_currency = coalesce(policies.base_currency, second_leg.to_currency)
            and first_leg.from_currency <> second_leg.to_currency
            and first_leg.valid_from <= second_leg.valid_through
            and second_leg.valid_from <= first_leg.valid_through
),

candidates as (
    select
        quotes.org_id,
        policies.fx_pivot,
        quotes.from_currency,
        quotes.to_currency,
        quotes.valid_from,
        quotes.valid_through,
        quotes.rate_date,
        quotes.numerator,
        quotes.denominator,
        quotes.rate,
        quotes.rate_source,
        1 as preference
    from quotes
    inner join policies
        on quotes.org_id = policies.org_id and quotes.to_currency = coalesce(policies.base_currency, quotes.to_currency)
    union all
    select
        org_id,
        fx_pivot,
        from_currency,
        to_currency,
        valid_from,
        valid_through,
        rate_date,
        cast(numerator as {{ whole }}) as numerator,
        cast({{ one }} as {{ whole }}) as denominator,
        rate,
        rate_source,
        2 as preference
    from over_pivot
    -- a rate that rounds to nothing, or is more than a quote may be, is none
    where numerator between 1 and 999999999999999999
),

period_starts as (
    select distinct
        org_id,
        fx_pivot,
        from_currency,
        to_currency,
        valid_from
    from candidates
),

-- of what serves on a day the youngest counts, a quote of the pair itself before one over the pivot
ranked as (
    select
        period_starts.org_id,
        period_starts.fx_pivot,
        period_starts.from_currency,
        period_starts.to_currency,
        period_starts.valid_from,
        candidates.rate_date,
        candidates.numerator,
        candidates.denominator,
        candidates.rate,
        candidates.rate_source,
        row_number() over (
            partition by period_starts.org_id, period_starts.fx_pivot, period_starts.from_currency, period_starts.to_currency, period_starts.valid_from
            order by candidates.rate_date desc, candidates.preference
        ) as place
    from period_starts
    inner join candidates
        on
            period_starts.org_id = candidates.org_id
            and period_starts.fx_pivot = candidates.fx_pivot
            and period_starts.from_currency = candidates.from_currency
            and period_starts.to_currency = candidates.to_currency
            and period_starts.valid_from between candidates.valid_from and candidates.valid_through
),

fx_rates_in_force as (
    select
        ranked.org_id,
        cast(ranked.fx_pivot as {{ type_text() }}) as fx_pivot,
        ranked.from_currency,
        ranked.to_currency,
        ranked.valid_from,
        coalesce(
            lead(ranked.valid_from) over (
                partition by ranked.org_id, ranked.fx_pivot, ranked.from_currency, ranked.to_currency order by ranked.valid_from
            ) - 1, date '9999-12-31'
        ) as valid_through,
        ranked.rate_date,
        -- from minor units to minor units
        {%- for part, more, less in [['numerator', 'into', 'out_of'], ['denominator', 'out_of', 'into']] %}
        cast(
            ranked.{{ part }}
            * cast(rpad('1', cast(greatest({{ more }}_currency.exponent - {{ less }}_currency.exponent, 0) + 1 as integer), '0') as bigint) as {{ whole }}
        ) as {{ part }},
        {%- endfor %}
        cast(ranked.rate as {{ type_text() }}) as rate,
        cast(ranked.rate_source as {{ type_text() }}) as rate_source
    from ranked
    inner join {{ ref('currencies') }} as out_of_currency
        on ranked.from_currency = out_of_currency.currency
    inner join {{ ref('currencies') }} as into_currency
        on ranked.to_currency = into_currency.currency
    where ranked.place = 1
)

select *
from fx_rates_in_force
