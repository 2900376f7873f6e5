-- Every payout: what its lines come to, what was paid out, what the bank received, and whether the three agree.
with payouts as (
    {{ live_records(records='processor_payouts', columns=[
        'org_id', 'system', 'activity_id', 'currency', 'exponent', 'business_date', 'amount_minor', 'status', 'batch_id', 'row_number'
    ], stream='ecommerce_payouts') }}
),

members as (
    select
        group_batch_id,
        group_row_number,
        count(*) as line_count,
        {%- for column, kinds in [
            ['gross', ['CHARGE']], ['refunds', ['REFUND']], ['fees', ['FEE', 'FEE_TAX']], ['chargebacks', ['CHARGEBACK', 'CHARGEBACK_REVERSAL']],
            ['reserves', ['RESERVE_HOLD', 'RESERVE_RELEASE']]
        ] %}
        sum(
            case
                when source_activity_type in ('{{ kinds | join("', '") }}') then source_net_minor
                else 0
            end
        ) as {{ column }}_minor,
        {%- endfor %}
        sum(source_net_minor) as net_minor
    from {{ ref('legs_to_payouts__by_payout') }}
    where outcome = 'MEMBER'
    group by group_batch_id, group_row_number
),

deposits as (
    {%- for step in _ladder('payouts_to_deposits').steps %}
    select
        source_batch_id,
        source_row_number,
        {{ _held_column('pairs', 'target', 'activity_id', _step_keys('payouts_to_deposits', step)) }} as deposit_id,
        {{ _held_column('pairs', 'target', 'amount_minor', _step_keys('payouts_to_deposits', step)) }} as deposit_minor,
        {{ _held_column('pairs', 'target', 'currency', _step_keys('payouts_to_deposits', step)) }} as deposit_currency,
        '{{ step }}' as matched_by
    from {{ ref('payouts_to_deposits__' ~ step) }} as pairs
    where outcome = 'PAIR'
    {%- if _step_many('payouts_to_deposits', step) == 'target' %}
    union all
    -- a payout that came in several entries, or came, went back and came again
    select
        groups.source_batch_id,
        groups.source_row_number,
        string_agg(shares.target_activity_id, ', ' order by shares.target_business_date, {{ by_bytes('shares.target_activity_id') }}) as deposit_id,
        max(groups.target_amount_minor) as deposit_minor,
        max(groups.target_currency) as deposit_currency,
        '{{ step }}' as matched_by
    from {{ ref('payouts_to_deposits__' ~ step) }} as groups
    inner join {{ ref('payouts_to_deposits__' ~ step) }} as shares
        on
            groups.outcome = 'GROUP'
            and shares.outcome = 'MEMBER'
            and shares.group_batch_id = groups.source_batch_id
            and shares.group_row_number = groups.source_row_number
    group by groups.source_batch_id, groups.source_row_number
    {%- endif %}
    union all
    {%- endfor %}
    -- what people have matched themselves
    select
        source_batch_id,
        source_row_number,
        target_activity_id as deposit_id,
        target_amount_minor as deposit_minor,
        target_currency as deposit_currency,
        'pinned' as matched_by
    from {{ ref('pins') }}
    where is_in_force and action = 'FORCE_MATCH' and ladder = '{{ _ladder('payouts_to_deposits').name }}'
),

waiting as (
    select
        batch_id,
        row_number,
        result,
        reason
    from {{ ref('payouts_to_deposits__unmatched') }}
    where side = 'SOURCE'
),

-- a payout whose lines may still come
lines_waiting as (
    select
        batch_id,
        row_number,
        reason
    from {{ ref('legs_to_payouts__unmatched') }}
    where side = 'TARGET' and result = 'PENDING'
),

tied as (
    select
        payouts.*,
        coalesce(members.line_count, 0) as line_count,
        {%- for column in ['gross', 'refunds', 'fees', 'chargebacks', 'reserves', 'net'] %}
        coalesce(members.{{ column }}_minor, 0) as {{ column }}_minor,
        {%- endfor %}
        deposits.deposit_id,
        -- what came in another currency cannot be held against the payout
        case when deposits.deposit_currency = payouts.currency then deposits.deposit_minor end as deposit_minor,
        deposits.matched_by,
        waiting.reason as deposit_reason,
        lines_waiting.reason as lines_reason,
        waiting.result as deposit_result
    from payouts
    left join members
        on payouts.batch_id = members.group_batch_id and payouts.row_number = members.group_row_number
    left join deposits
        on payouts.batch_id = deposits.source_batch_id and payouts.row_number = deposits.source_row_number
    left join waiting
        on payouts.batch_id = waiting.batch_id and payouts.row_number = waiting.row_number
    left join lines_waiting
        on payouts.batch_id = lines_waiting.batch_id and payouts.row_number = lines_waiting.row_number
),

judged as (
    select
        tied.*,
        case
            when status = 'NOT_ITEMISABLE' then 'NOT_ITEMISABLE'
            when lines_reason = 'FEED_LATE' then 'FEED_LATE'
            when amount_minor is null or net_minor <> amount_minor then 'LINES_DO_NOT_ADD_UP'
            when deposit_minor = amount_minor then 'TIED_OUT'
            when deposit_id is not null then 'DEPOSIT_DIFFERS'
            when deposit_reason = 'FEED_LATE' then 'FEED_LATE'
            when deposit_reason = 'IN_GRACE' then 'IN_TRANSIT'
            -- no money moves: of a payout that failed it comes with a later one
            when amount_minor = 0 or status = 'CANCELLED' then 'TIED_OUT'
            else 'DEPOSIT_MISSING'
        end as state
    from tied
),

payout_tie_out as (
    select
        org_id,
        system,
        activity_id as payout_id,
        currency,
        business_date as payout_date,
        gross_minor,
        refunds_minor,
        fees_minor,
        chargebacks_minor,
        reserves_minor,
        net_minor - gross_minor - refunds_minor - fees_minor - chargebacks_minor - reserves_minor as adjustments_minor,
        net_minor,
        amount_minor as payout_minor,
        deposit_id,
        deposit_minor,
        case
            when state = 'LINES_DO_NOT_ADD_UP' then amount_minor - net_minor
            when state = 'DEPOSIT_DIFFERS' then amount_minor - deposit_minor
            else 0
        end as difference_minor,
        state,
        line_count,
        matched_by,
        exponent,
        batch_id,
        row_number
    from judged
)

select
    org_id,
    system,
    payout_id,
    currency,
    payout_date,
    {%- for column in ['gross', 'refunds', 'fees', 'chargebacks', 'reserves', 'adjustments', 'net', 'payout'] %}
    cast({{ column }}_minor as {{ 'bigint' if column == 'payout' else type_decimal(38, 0) }}) as {{ column }}_minor,
    {%- endfor %}
    deposit_id,
    cast(deposit_minor as bigint) as deposit_minor,
    cast(difference_minor as {{ type_decimal(38, 0) }}) as difference_minor,
    cast(state as {{ type_text() }}) as state,
    cast(line_count as bigint) as line_count,
    cast(matched_by as {{ type_text() }}) as matched_by,
    cast(exponent as integer) as exponent,
    batch_id,
    {{ file_row('row_number') }} as row_number
from payout_tie_out
