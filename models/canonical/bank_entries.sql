{%- set consumer = 'canonical.bank_entries' -%}
{%- set told_apart_by = ['value_date', 'customer_ref', 'end_to_end_id', 'counterparty_name', 'entry_text', 'type_code'] -%}
{%- set upstream = [['staging.stg_bank__statement']] -%}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    post_hook="{{ mark_processed(consumer='canonical.bank_entries', upstream=[['staging.stg_bank__statement']]) }}",
    indexes=engine_indexes([['batch_id', 'row_number'], ['org_id', 'activity_id']])
) }}
-- One row a booked entry of a bank account, whatever format it came in. Kept, because searching texts for references is dear.
with read_entries as (
    select
        staged.*,
        -- null where the bank's mark is unknown, or says debit of an amount that has a minus already
        case
            when staged.direction is null then coalesce(staged.amount_minor, staged.credit_minor, 0) - case
                when staged.amount_minor is null then abs(coalesce(staged.debit_minor, 0)) else 0
            end
            when directions.sign = 1 then staged.amount_minor
            when directions.sign = -1 and staged.amount_minor >= 0 then -staged.amount_minor
        end as signed_minor,
        case when staged.status is null then 'BOOKED' else coalesce(statuses_of_org.status, statuses.status, 'UNKNOWN') end as booked_status
    from {{ ref('stg_bank__statement') }} as staged
    left join {{ ref('bank_directions') }} as directions
        on {{ ascii_lower('staged.direction') }} = directions.direction
    left join {{ ref('status_map') }} as statuses_of_org
        on
            statuses_of_org.system = 'bank'
            and staged.org_id = statuses_of_org.org_id
            and statuses_of_org.counterparty_id is null
            and {{ ascii_lower('staged.status') }} = statuses_of_org.source_status
    left join {{ ref('status_map') }} as statuses
        on
            statuses.system = 'bank'
            and statuses.org_id is null
            and statuses.counterparty_id is null
            and {{ ascii_lower('staged.status') }} = statuses.source_status
    where
        staged.is_valid
        and coalesce(staged.record_type, 'entry') = 'entry'
        and coalesce(staged.amount_minor, staged.debit_minor, staged.credit_minor) is not null
        and coalesce(staged.booking_date, staged.value_date) is not null
        {%- if is_incremental() %}
        and staged.batch_id in (select unread.batch_id from ({{ unprocessed_batches(consumer=consumer, upstream=upstream) }}) as unread)
        {%- endif %}
),

-- what differs from one delivery of an entry to the next is left out: only the bank's reference, or else the text, tells two entries of a day and amount apart
named_entries as (
    select
        read_entries.*,
        coalesce(booking_date, value_date) as booked_on,
        concat_ws(
            ':',
            account,
            cast(coalesce(booking_date, value_date) as {{ type_text() }}),
            coalesce(bank_ref, left(md5({{ joined_text(told_apart_by) }}), 12)),
            cast(signed_minor as {{ type_text() }})
        ) as entry_name,
        {{ reference_words("concat_ws(' ', counterparty_name, entry_text, end_to_end_id, customer_ref)") }} as words,
        replace({{ reference_words("coalesce(entry_text, '')") }}, ' ', '') as solid
    from read_entries
    where booked_status = 'BOOKED' and signed_minor is not null
),

counted_entries as (
    select
        named_entries.*,
        -- by content: a statement's rows may stand in any order
        row_number() over (
            partition by org_id, batch_id, entry_name
            order by
                value_date,
                {%- for column in ['currency', 'status', 'customer_ref', 'end_to_end_id', 'counterparty_name', 'entry_text', 'type_code'] %}
                {{ by_bytes(column) }},
                {%- endfor %}
                row_number
        ) as occurrence
    from named_entries
),

found_references as (
    select
        entries.batch_id,
        entries.row_number,
        rules.processor,
        rules.priority,
        {{ extract_pattern("case when rules.spacing = 'solid' then entries.solid else entries.words end", 'rules.pattern', "coalesce(rules.reference, '')") }}
        as found
    from counted_entries as entries
    inner join {{ ref('bank_references') }} as rules
        on position(rules.word in replace(entries.words, ' ', '')) > 0
),

best_references as (
    select
        batch_id,
        row_number,
        processor,
        nullif(found, '') as reference,
        row_number() over (partition by batch_id, row_number order by priority) as place
    from found_references
    where found is not null
),

bank_entries as (
    select
        entries.org_id,
        cast('bank' as {{ type_text() }}) as system,
        cast('entries' as {{ type_text() }}) as entity,
        entries.entry_name || case when entries.occurrence > 1 then '#' || cast(entries.occurrence as {{ type_text() }}) else '' end as activity_id,
        cast(0 as bigint) as version,
        cast(coalesce(best_references.processor, 'other') as {{ type_text() }}) as counterparty_id,
        cast(case when entries.signed_minor < 0 then 'WITHDRAWAL' else 'DEPOSIT' end as {{ type_text() }}) as activity_type,
        {{ text_literal(none) }} as order_ref,
        entries.end_to_end_id as payment_ref,
        best_references.reference as batch_ref,
        coalesce(entries.entry_text, entries.counterparty_name) as description,
        cast(entries.booked_status as {{ type_text() }}) as status,
        entries.status as source_status,
        entries.currency,
        entries.amount_exponent as exponent,
        entries.signed_minor as amount_minor,
        cast(0 as bigint) as fee_minor,
        entries.signed_minor as net_minor,
        {{ text_literal(none) }} as base_currency,
        cast(null as bigint) as base_amount_minor,
        cast(coalesce(entries.value_date, entries.booked_on) as timestamp) as event_at,
        entries.booked_on as business_date,
        entries.received_at,
        entries.batch_id,
        entries.row_number
    from counted_entries as entries
    left join best_references
        on
            entries.batch_id = best_references.batch_id
            and entries.row_number = best_references.row_number
            and best_references.place = 1
)

select
    bank_entries.*,
    {{ _content_hash('bank_entries') | indent(4) }} as content_hash
from bank_entries
