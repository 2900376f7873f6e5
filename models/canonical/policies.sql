{{ config(
    materialized='table',
    post_hook="{{ mark_processed(consumer='canonical.policies', upstream=[['feed:tieout/policies']]) }}"
) }}
-- Thresholds by scope and period, every field resolved: org + stream + counterparty, org + stream, org, default.
{%- set fields = policy_fields() %}
with statements as (
    select *
    from {{ ref('policy_statements') }}
    where is_effective
),

streams as (
    {%- for stream in var('streams') %}
    select cast('{{ stream }}' as {{ type_text() }}) as stream
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

scopes as (
    select distinct
        batches.org_id,
        streams.stream,
        cast(null as {{ type_text() }}) as counterparty_id
    from {{ source('landing', 'batches') }} as batches
    cross join streams
    where {{ is_received('batches') }}{{ _of_their_orgs('streams.stream', 'batches.org_id') }}
    union
    select
        statements.org_id,
        statements.stream,
        statements.counterparty_id
    from statements
    where statements.counterparty_id is not null
),

-- every statement that a scope may inherit from, the narrowest level first
applicable as (
    select
        scopes.org_id,
        scopes.stream,
        scopes.counterparty_id,
        case when statements.counterparty_id is not null then 1 when statements.stream is not null then 2 else 3 end as level,
        statements.valid_from,
        {%- for field in fields %}
        statements.{{ field }}{{ ',' if not loop.last }}
        {%- endfor %}
    from scopes
    inner join statements
        on
            scopes.org_id = statements.org_id
            and (statements.stream is null or statements.stream = scopes.stream)
            and (statements.counterparty_id is null or statements.counterparty_id = scopes.counterparty_id)
    union all
    select
        scopes.org_id,
        scopes.stream,
        scopes.counterparty_id,
        4 as level,
        date '0001-01-01' as valid_from,
        {%- for field in fields %}
        {#- A stream may have defaults of its own (vars.streams): what waits an hour in one waits days in another. #}
        {%- set own = [] %}
        {%- for stream, declared in var('streams').items() if field in (declared.get('defaults') or {}) %}
        {%- set value = declared.defaults[field] %}
        {#- A fraction in the seed's own type: the hash of a policy is made of its text. #}
        {%- set fraction = 'cast(' ~ value ~ ' as ' ~ type_decimal(18, 9) ~ ')' %}
        {%- do own.append([stream, text_literal(value) if value is string else fraction if field == 'price_pct' else value]) %}
        {%- endfor %}
        {%- if own %}
        case scopes.stream
            {%- for stream, value in own %}
            when '{{ stream }}' then {{ value }}
            {%- endfor %}
            else defaults.{{ field }}
        end as {{ field }}{{ ',' if not loop.last }}
        {%- else %}
        defaults.{{ field }}{{ ',' if not loop.last }}
        {%- endif %}
        {%- endfor %}
    from scopes
    cross join {{ ref('policy_defaults') }} as defaults
),

named as (
    select
        applicable.*,
        {{ joined_text(['org_id', 'stream', 'counterparty_id']) | indent(8) }} as scope
    from applicable
),

period_starts as (
    select distinct
        scope,
        org_id,
        stream,
        counterparty_id,
        valid_from
    from named
),

in_force as (
    select
        period_starts.scope,
        period_starts.org_id,
        period_starts.stream,
        period_starts.counterparty_id,
        period_starts.valid_from,
        named.level,
        {%- for field in fields %}
        named.{{ field }},
        {%- endfor %}
        row_number() over (
            partition by period_starts.scope, period_starts.valid_from, named.level
            order by named.valid_from desc
        ) as recency
    from period_starts
    inner join named
        on period_starts.scope = named.scope and named.valid_from <= period_starts.valid_from
),

resolved as (
    select
        scope,
        org_id,
        stream,
        counterparty_id,
        valid_from,
        {%- for field in fields %}
        coalesce(
            {%- for level in [1, 2, 3, 4] %}
            max(case when level = {{ level }} then {{ field }} end){{ ',' if not loop.last }}
            {%- endfor %}
        ) as {{ field }}{{ ',' if not loop.last }}
        {%- endfor %}
    from in_force
    where recency = 1
    group by scope, org_id, stream, counterparty_id, valid_from
),

policies as (
    select
        org_id,
        stream,
        counterparty_id,
        valid_from,
        lead(valid_from) over (partition by scope order by valid_from) as valid_to,
        {%- for field in fields %}
        {{ field }},
        {%- endfor %}
        -- when a counterparty is reconciled, and how bad a difference is, changes no verdict
        md5({{ joined_text(policy_fields(only='judging')) | indent(8) }}) as policy_hash
    from resolved
)

select *
from policies
