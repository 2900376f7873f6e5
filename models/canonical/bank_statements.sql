{%- set consumer = 'canonical.bank_statements' -%}
{%- set upstream = [['staging.stg_bank__statement']] -%}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    post_hook="{{ mark_processed(consumer='canonical.bank_statements', upstream=[['staging.stg_bank__statement']]) }}"
) }}
-- One row a statement of a file, account and currency: what it opens and closes with, and what moves in between. A file of entries alone (CSV) has one row an
-- account and currency.
with read_rows as (
    select
        staged.*,
        coalesce(staged.record_type, 'entry') as row_type,
        case when directions.sign = -1 then -staged.amount_minor else staged.amount_minor end as balance_minor
    from {{ ref('stg_bank__statement') }} as staged
    left join {{ ref('bank_directions') }} as directions
        on {{ ascii_lower('staged.direction') }} = directions.direction
    left join (
        -- what is not booked takes no part in any sum
        select source_status, min(status) as status
        from {{ ref('status_map') }}
        where system = 'bank' and org_id is null and counterparty_id is null
        group by source_status
    ) as statuses
        on {{ ascii_lower('staged.status') }} = statuses.source_status
    where
        staged.is_valid
        and coalesce(statuses.status, 'BOOKED') not in ('PENDING', 'CANCELLED')
        {%- if is_incremental() %}
        and staged.batch_id in (select unread.batch_id from ({{ unprocessed_batches(consumer=consumer, upstream=upstream) }}) as unread)
        {%- endif %}
),

movements as (
    select
        read_rows.*,
        entries.amount_minor as moved_minor
    from read_rows
    left join {{ ref('bank_entries') }} as entries
        on read_rows.batch_id = entries.batch_id and read_rows.row_number = entries.row_number
)

select
    org_id,
    batch_id,
    received_at,
    coalesce(statement_index, 0) as statement_index,
    account,
    currency,
    max(statement_id) as statement_id,
    max(statement_number) as statement_number,
    max(page_number) as page_number,
    min(case when row_type = 'balance' and balance_type = 'OPENING' then balance_minor end) as opening_minor,
    min(case when row_type = 'balance' and balance_type = 'OPENING' then booking_date end) as opening_date,
    min(case when row_type = 'balance' and balance_type = 'CLOSING' then balance_minor end) as closing_minor,
    max(case when row_type = 'balance' and balance_type = 'CLOSING' then booking_date end) as closing_date,
    cast(sum(coalesce(
        moved_minor,
        case
            when row_type = 'total' and balance_type = 'CREDITS_ALONE' then amount_minor
            when row_type = 'total' and balance_type = 'DEBITS_ALONE' then -amount_minor
            else 0
        end
    )) as {{ type_decimal(38, 0) }}) as moved_minor,
    count(case when row_type = 'entry' then 1 end) as entries,
    count(moved_minor) as entries_read
from movements
where currency is not null
group by org_id, batch_id, received_at, coalesce(statement_index, 0), account, currency
