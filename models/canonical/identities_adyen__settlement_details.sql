{{ config(materialized='view') }}
{%- set decimals = type_decimal(38, 0) -%}
{%- set rate = '[0-9]{1,6}(\\.[0-9]{1,9})?' -%}
-- A file is judged by all of its lines, those of an unknown kind too: what they mean is our matter, that they add up is the file's.
with journal as (
    select
        staged.*,
        staged.merchant_account || ' ' || staged.batch_number || ' ' || staged.net_currency as scope,
        coalesce(staged.gross_credit_minor, 0) - coalesce(staged.gross_debit_minor, 0) as gross_minor,
        coalesce(staged.gross_credit_exponent, staged.gross_debit_exponent) as gross_exponent,
        coalesce(staged.net_credit_minor, 0) - coalesce(staged.net_debit_minor, 0) as net_minor,
        coalesce(staged.net_credit_exponent, staged.net_debit_exponent) as net_exponent,
        coalesce(staged.commission_minor, 0) + coalesce(staged.markup_minor, 0) + coalesce(staged.scheme_fees_minor, 0)
        + coalesce(staged.interchange_minor, 0) as fees_minor,
        case when {{ matches('staged.exchange_rate', rate) }} then length(split_part(staged.exchange_rate, '.', 2)) end as rate_decimals,
        case when {{ matches('staged.exchange_rate', rate) }} then cast(replace(staged.exchange_rate, '.', '') as bigint) end as rate_digits
    from {{ ref('stg_adyen__settlement_details') }} as staged
),

-- (gross x rate - fees) against net, both times 10^(decimals of the rate + of the gross currency), so that every number is whole
payments as (
    select
        journal.*,
        cast(gross_minor as {{ decimals }}) * rate_digits * cast(rpad('1', cast(net_exponent + 1 as integer), '0') as bigint) as converted,
        cast(rpad('1', cast(rate_decimals + gross_exponent + 1 as integer), '0') as bigint) as unit,
        cast(abs(gross_minor) as {{ decimals }}) * cast(rpad('1', cast(net_exponent + 1 as integer), '0') as bigint) as gross_unit
    from journal
    where gross_currency is not null and (gross_credit_minor is not null or gross_debit_minor is not null)
),

journal_lines as (
    select
        org_id,
        'row_identity' as balance,
        scope,
        net_currency as currency,
        case
            when net_currency = gross_currency then gross_minor - fees_minor
            when abs(converted) < 100000000000000000
                then case when converted < 0 then -1 else 1 end * {{ integer_divide('2 * cast(abs(converted) as bigint) + unit', '2 * unit') }} - fees_minor
        end as expected,
        net_minor as actual,
        case
            when net_currency = gross_currency then gross_minor - fees_minor = net_minor
            -- half of the rate's last decimal for each unit of gross, and half a minor unit for the amount's own rounding
            else 2 * abs((cast(net_minor as {{ decimals }}) + fees_minor) * unit - converted) <= gross_unit + unit
        end as holds,
        batch_id,
        row_number
    from payments
),

batches as (
    select
        org_id,
        'batch_identity' as balance,
        scope,
        net_currency as currency,
        0 as expected,
        sum(net_minor) as actual,
        sum(net_minor) = 0 as holds,
        batch_id
    from journal
    group by org_id, scope, net_currency, batch_id
),

-- a batch that was delivered more than once is told by what came last
deliveries as (
    select
        org_id,
        merchant_account,
        cast(batch_number as bigint) as batch_number,
        batch_id,
        row_number() over (partition by org_id, merchant_account, cast(batch_number as bigint) order by max(received_at) desc, batch_id) as place
    from journal
    where {{ matches('batch_number', '[0-9]{1,18}') }}
    group by org_id, merchant_account, cast(batch_number as bigint), batch_id
),

numbers as (
    select
        org_id,
        merchant_account,
        batch_number,
        batch_id,
        lag(batch_number) over (partition by org_id, merchant_account order by batch_number) as number_before
    from deliveries
    where place = 1
),

gaps as (
    select
        org_id,
        'sequence' as balance,
        merchant_account as scope,
        cast(null as {{ type_text() }}) as currency,
        number_before + 1 as expected,
        batch_number as actual,
        number_before + 1 = batch_number as holds,
        batch_id
    from numbers
    where number_before is not null
),

transfers as (
    select
        journal.org_id,
        journal.merchant_account,
        journal.net_currency,
        journal.batch_id,
        journal.net_minor,
        numbers.batch_number,
        {{ ascii_lower('journal.modification_reference') }} as reference
    from journal
    inner join numbers on journal.batch_id = numbers.batch_id and journal.batch_number = cast(numbers.batch_number as {{ type_text() }})
    where journal.kind = 'ROLLING_BALANCE'
),

-- what one batch hands on and the next takes over, once both are here
carried as (
    select
        org_id,
        merchant_account,
        net_currency,
        batch_id,
        net_minor,
        case when reference like '%to batch%' then batch_number else other_number end as from_number,
        case when reference like '%to batch%' then other_number else batch_number end as to_number
    from (
        select
            transfers.*,
            cast(nullif({{ replace_pattern('reference', '^.*(to|from) batch ([0-9]{1,18}).*$', '\\2') }}, '') as bigint) as other_number
        from transfers
        where {{ matches('reference', '.*(to|from) batch [0-9]{1,18}.*') }}
    ) as named
),

handovers as (
    select
        carried.org_id,
        'continuity' as balance,
        carried.merchant_account || ' ' || carried.from_number || ' to ' || carried.to_number || ' ' || carried.net_currency as scope,
        carried.net_currency as currency,
        -coalesce(sum(case when carried.batch_id = givers.batch_id then carried.net_minor end), 0) as expected,
        coalesce(sum(case when carried.batch_id = takers.batch_id then carried.net_minor end), 0) as actual,
        sum(carried.net_minor) = 0 as holds,
        max(takers.batch_id) as batch_id
    from carried
    inner join numbers as givers
        on carried.org_id = givers.org_id and carried.merchant_account = givers.merchant_account and carried.from_number = givers.batch_number
    inner join numbers as takers
        on carried.org_id = takers.org_id and carried.merchant_account = takers.merchant_account and carried.to_number = takers.batch_number
    group by carried.org_id, carried.merchant_account, carried.from_number, carried.to_number, carried.net_currency
),

sums as (
    select * from batches
    union all
    select * from gaps
    union all
    select * from handovers
)

{{ as_identities('adyen/settlement_details', 'sums', lines='journal_lines') }}
