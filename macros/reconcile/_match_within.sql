{#
    CTE `matched` for a rule with a window: candidates have equal keys and lie within the window, inclusive. Time is cut into buckets as wide as the window, so
    that the join has an equality on time too: candidates lie in the same or in neighbouring buckets. Only a pair in which each is the other's only candidate
    matches. A block whose buckets hold more pairs than `max_pairs` is not joined at all: its records are ambiguous by CANDIDATE_CAP.
#}
{% macro _match_within(ladder, match) -%}
    {%- set on = match.on -%}
    {%- set in_days = _is_business_window(match) -%}
    {%- if in_days -%}
        {%- set days = _window_business_days(match.within['business_date']) -%}
        {%- set width = [days[0] | abs, days[1] | abs, 1] | max -%}
        {%- set inside = 'other.position - one.position between ' ~ days[0] ~ ' and ' ~ days[1] -%}
        {# The number of a day that is no business day is that of the last one before it: within a number the order of days still counts. #}
        {%- if days[0] == 0 -%}{%- set inside = inside ~ ' and other.business_date >= one.business_date' -%}{%- endif -%}
        {%- set known = 'days.number is not null' -%}
        {%- set position = 'days.number' -%}
    {%- else -%}
        {%- set width = _window_seconds(match.within['event_at']) * 1000000 -%}
        {%- set inside = 'abs(' ~ epoch_microseconds('one.event_at') ~ ' - ' ~ epoch_microseconds('other.event_at') ~ ') <= ' ~ width -%}
        {%- set known = 'records.event_at is not null' -%}
        {%- set position = epoch_microseconds('records.event_at') -%}
    {%- endif %}
source_buckets as (
    select
        records.*,
        {%- if in_days %}
        days.number as position,
        {%- endif %}
        {{ integer_divide(position, width) }} as bucket
    from source_records as records
    {%- if in_days %}
    inner join {{ ref('business_days') }} as days
        on days.calendar = '{{ match.calendar }}' and records.business_date = days.day
    {%- endif %}
    where {{ _keys_known('records', on) }} and {{ known }}
),

target_buckets as (
    select
        records.*,
        {%- if in_days %}
        days.number as position,
        {%- endif %}
        {{ integer_divide(position, width) }} + shifts.shift as bucket
    from target_records as records
    {%- if in_days %}
    inner join {{ ref('business_days') }} as days
        on days.calendar = '{{ match.calendar }}' and records.business_date = days.day
    {%- endif %}
    cross join (
        select -1 as shift union all select 0 as shift union all select 1 as shift
    ) as shifts
    where {{ _keys_known('records', on) }} and {{ known }}
),

capped_keys as (
    select {{ _keys('sources', on) }}
    from (
        select {{ _keys('source_buckets', on) }}, source_buckets.bucket, count(*) as members
        from source_buckets
        group by {{ _keys('source_buckets', on) }}, source_buckets.bucket
    ) as sources
    inner join (
        select {{ _keys('target_buckets', on) }}, target_buckets.bucket, count(*) as members
        from target_buckets
        group by {{ _keys('target_buckets', on) }}, target_buckets.bucket
    ) as targets
        on {{ _equal_keys('sources', 'targets', on) }} and sources.bucket = targets.bucket
    group by {{ _keys('sources', on) }}
    having sum(sources.members * targets.members) > {{ match.max_pairs }}
),

candidates as (
    select
        one.batch_id as source_batch_id,
        one.row_number as source_row_number,
        other.batch_id as target_batch_id,
        other.row_number as target_row_number,
        one.is_conflicting as source_is_conflicting,
        other.is_conflicting as target_is_conflicting
    from source_buckets as one
    inner join target_buckets as other
        on
            {{ _equal_keys('one', 'other', on) }}
            and one.bucket = other.bucket
            and {{ inside }}
    where not exists (
        select 1
        from capped_keys
        where {{ _equal_keys('capped_keys', 'one', on) }}
    )
),
{% for role in ['source', 'target'] %}
{%- set opposite = 'target' if role == 'source' else 'source' %}
{{ role }}_degrees as (
    select
        {{ role }}_batch_id as batch_id,
        {{ role }}_row_number as row_number,
        count(*) as degree,
        max(case when {{ opposite }}_is_conflicting then 1 else 0 end) as conflict
    from candidates
    group by {{ role }}_batch_id, {{ role }}_row_number
),
{% endfor %}
pairs as (
    select candidates.*
    from candidates
    inner join source_degrees
        on candidates.source_batch_id = source_degrees.batch_id and candidates.source_row_number = source_degrees.row_number
    inner join target_degrees
        on candidates.target_batch_id = target_degrees.batch_id and candidates.target_row_number = target_degrees.row_number
    where
        source_degrees.degree = 1
        and target_degrees.degree = 1
        and not candidates.source_is_conflicting
        and not candidates.target_is_conflicting
),

capped_members as (
    {%- for role in ['source', 'target'] %}
    {%- set opposite = 'target' if role == 'source' else 'source' %}
    select
        '{{ role | upper }}' as side,
        members.batch_id,
        members.row_number
    from {{ role }}_buckets as members
    inner join capped_keys
        on {{ _equal_keys('members', 'capped_keys', on) }}
    where exists (
        select 1
        from {{ opposite }}_buckets as others
        where {{ _equal_keys('others', 'members', on) }} and others.bucket = members.bucket
    )
    {{- '\n    union' if not loop.last }}
    {%- endfor %}
),

matched as (
    select
        one.org_id,
        'PAIR' as outcome,
        {{ text_literal(none) }} as side,
        {{- _side_columns(ladder, 'source', 'one') }}
        {{- _side_columns(ladder, 'target', 'other') }}
        {{ text_literal(none) }} as ambiguity,
        false as is_conflicting
    from pairs
    inner join source_records as one
        on pairs.source_batch_id = one.batch_id and pairs.source_row_number = one.row_number
    inner join target_records as other
        on pairs.target_batch_id = other.batch_id and pairs.target_row_number = other.row_number
    {%- for role in ['source', 'target'] %}
    {%- set ambiguity -%}
        case
            when capped_members.batch_id is not null then 'CANDIDATE_CAP'
            when records.is_conflicting or degrees.degree is not null
                then {{ _ambiguity_codes(ladder, role, 'records.is_conflicting', 'degrees.conflict = 1') }}
        end
    {%- endset %}
    union all
    {{ _single_row(ladder, role, 'records', ambiguity) }}
    from {{ role }}_records as records
    left join {{ role }}_degrees as degrees
        on records.batch_id = degrees.batch_id and records.row_number = degrees.row_number
    left join capped_members
        on
            capped_members.side = '{{ role | upper }}'
            and records.batch_id = capped_members.batch_id
            and records.row_number = capped_members.row_number
    where not exists (
        select 1
        from pairs
        where pairs.{{ role }}_batch_id = records.batch_id and pairs.{{ role }}_row_number = records.row_number
    )
    {%- endfor %}
)
{%- endmacro %}
