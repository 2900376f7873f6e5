{{ config(materialized='table') }}
-- What orgs and the seed say of how exceptions are dealt with, rules and accepted differences side by side, and which of it counts.
with said as (
    {%- for feed, kind, name in [('resolution_rules', 'RULE', 'rule_id'), ('accepted_differences', 'ACCEPTED', 'acceptance_id')] %}
    {%- set rule = kind == 'RULE' %}
    select
        terms.org_id,
        '{{ kind }}' as kind,
        terms.{{ name }} as term_id,
        terms.stream,
        {{ ascii_upper('terms.anomaly') }} as anomaly,
        terms.counterparty_id,
        {{ text_literal(none) if rule else 'terms.activity_id' }} as activity_id,
        {{ 'coalesce(terms.from_minor, 0)' if rule else 'cast(0 as bigint)' }} as from_minor,
        terms.below_minor,
        {{ ascii_upper('terms.classification') if rule else "'OK'" }} as classification,
        {{ ascii_upper('terms.strategy') if rule else text_literal(none) }} as strategy,
        {{ 'terms.budget_minor' if rule else 'cast(null as bigint)' }} as budget_minor,
        {{ text_literal(none) if rule else 'terms.owner' }} as owner,
        {{ text_literal(none) if rule else 'terms.reason' }} as reason,
        coalesce(terms.valid_from, date '0001-01-01') as valid_from,
        {{ "date '9999-12-31'" if rule else 'terms.valid_to' }} as valid_to,
        'tieout/{{ feed }}' as feed,
        terms.received_at,
        terms.batch_id,
        terms.row_number
    from {{ ref('stg_tieout__' ~ feed) }} as terms
    where terms.is_valid
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

compared as (
    select
        said.*,
        batches.source_file,
        {#- An entry of the list has one period, a rule as many as it has beginnings. #}
        {{ joined_text(['said.org_id', 'said.kind', 'said.term_id', "case when said.kind = 'RULE' then said.valid_from end"]) | indent(8) }} as term,
        {{ joined_text([
            'stream', 'anomaly', 'counterparty_id', 'activity_id', 'from_minor', 'below_minor', 'classification', 'strategy', 'budget_minor', 'owner', 'reason',
            'valid_from', 'valid_to'
        ]) | indent(8) }} as content
    from said
    inner join {{ source('landing', 'batches') }} as batches
        on said.batch_id = batches.batch_id
),

known_anomalies as (
    select distinct compared.anomaly
    from compared
    inner join {{ ref('anomalies') }} as known
        on
            compared.anomaly = known.anomaly_prefix
            or (right(known.anomaly_prefix, 1) = '_' and left(compared.anomaly, length(known.anomaly_prefix)) = known.anomaly_prefix)
            or (right(compared.anomaly, 1) = '_' and left(known.anomaly_prefix, length(compared.anomaly)) = compared.anomaly)
),

judged as (
    select
        compared.*,
        case
            when
                compared.stream is not null
                and compared.stream not in ('{{ var('streams') | join("', '") }}')
                then 'stream: unknown_stream'
            {{- _unserved('compared.stream', 'compared.org_id') | indent(12) }}
            when compared.counterparty_id is not null and compared.stream is null then 'counterparty_id: counterparty_without_stream'
            when compared.anomaly is not null and known_anomalies.anomaly is null then 'anomaly: unknown_anomaly'
            when compared.classification not in ('OK', 'PENDING', 'SUSPICIOUS') then 'classification: not_ok_pending_or_suspicious'
            when compared.strategy not in ('AUTO', 'AUTO_FLAG', 'ESCALATE', 'MANUAL') then 'strategy: unknown_strategy'
            -- nothing is given up without a limit: not of one difference, and not of many
            when compared.strategy in ('AUTO', 'AUTO_FLAG') and compared.below_minor is null then 'below_minor: missing_value'
            when compared.strategy in ('AUTO', 'AUTO_FLAG') and compared.budget_minor is null then 'budget_minor: missing_value'
            when compared.below_minor <= compared.from_minor then 'below_minor: not_above_from_minor'
            when compared.valid_to < compared.valid_from then 'valid_to: before_valid_from'
            when {{ _contradicts(about='term', content='content') }} then 'contradicts_another_row_received_together'
        end as reject_reason
    from compared
    left join known_anomalies
        on compared.anomaly = known_anomalies.anomaly
),

latest as (
    select
        judged.*,
        {{ _counts(about='term') }} as is_effective
    from judged
),

orgs as (
    select distinct batches.org_id
    from {{ source('landing', 'batches') }} as batches
    where {{ is_received('batches') }}
),

-- of a rule that is stated for several days each statement ends where the next begins
terms as (
    select
        org_id,
        kind,
        term_id,
        stream,
        anomaly,
        counterparty_id,
        activity_id,
        from_minor,
        below_minor,
        classification,
        strategy,
        budget_minor,
        owner,
        reason,
        valid_from,
        case
            when kind = 'RULE' and is_effective
                then coalesce(
                    lead(valid_from) over (
                        partition by org_id, kind, term_id, case when is_effective then 1 else 0 end
                        order by valid_from
                    ) - 1, valid_to
                )
            else valid_to
        end as valid_to,
        reject_reason,
        is_effective,
        feed,
        source_file,
        received_at,
        batch_id,
        row_number
    from latest
    union all
    select
        orgs.org_id,
        'RULE' as kind,
        seeded.rule_id as term_id,
        {{ text_literal(none) }} as stream,
        seeded.anomaly,
        {{ text_literal(none) }} as counterparty_id,
        {{ text_literal(none) }} as activity_id,
        cast(0 as bigint) as from_minor,
        cast(null as bigint) as below_minor,
        seeded.classification,
        seeded.strategy,
        cast(null as bigint) as budget_minor,
        {{ text_literal(none) }} as owner,
        {{ text_literal(none) }} as reason,
        date '0001-01-01' as valid_from,
        date '9999-12-31' as valid_to,
        {{ text_literal(none) }} as reject_reason,
        true as is_effective,
        {{ text_literal(none) }} as feed,
        {{ text_literal(none) }} as source_file,
        cast(null as timestamp) as received_at,
        {{ text_literal(none) }} as batch_id,
        cast(null as bigint) as row_number
    from {{ ref('resolution_rules') }} as seeded
    cross join orgs
),

resolution_terms as (
    select
        org_id,
        cast(kind as {{ type_text() }}) as kind,
        cast(term_id as {{ type_text() }}) as term_id,
        cast(stream as {{ type_text() }}) as stream,
        cast(anomaly as {{ type_text() }}) as anomaly,
        cast(counterparty_id as {{ type_text() }}) as counterparty_id,
        cast(activity_id as {{ type_text() }}) as activity_id,
        cast(from_minor as bigint) as from_minor,
        cast(below_minor as bigint) as below_minor,
        cast(classification as {{ type_text() }}) as classification,
        cast(strategy as {{ type_text() }}) as strategy,
        cast(budget_minor as bigint) as budget_minor,
        cast(owner as {{ type_text() }}) as owner,
        cast(reason as {{ type_text() }}) as reason,
        valid_from,
        valid_to,
        -- of several that fit the first counts: what an org says before the seed, then who says most of what it is about
        cast(row_number() over (
            partition by org_id, kind
            order by
                case when is_effective then 0 else 1 end,
                case when batch_id is null then 1 else 0 end,
                case when activity_id is null then 1 else 0 end,
                case when counterparty_id is null then 1 else 0 end,
                case when stream is null then 1 else 0 end,
                case when right(anomaly, 1) = '_' then 1 when anomaly is null then 2 else 0 end,
                coalesce(length(anomaly), 0) desc,
                from_minor desc,
                coalesce(below_minor, 9000000000000000000),
                {{ by_bytes('term_id') }},
                valid_from desc,
                received_at,
                batch_id,
                row_number
        ) as integer) as precedence,
        reject_reason,
        is_effective,
        cast(feed as {{ type_text() }}) as feed,
        cast(source_file as {{ type_text() }}) as source_file,
        received_at,
        cast(batch_id as {{ type_text() }}) as batch_id,
        row_number
    from terms
)

select *
from resolution_terms
