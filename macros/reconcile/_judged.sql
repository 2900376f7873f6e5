{#
    CTEs from `matched` to `judged`: the policy that governs each row (of a pair: the source's counterparty and business date), the measurements, the checks and
    their anomalies, lateness, and the row's hash.
#}
{% macro _judged(ladder, step, match, on_match) -%}
    {# A group is judged as a pair is, by its sum; its members carry no verdict of their own. #}
    {%- set is_match = "outcome in ('PAIR', 'GROUP')" if match.many else "outcome = 'PAIR'" -%}
    {%- set findings = [] -%}
    {%- for name in ladder.checks -%}{%- do findings.append([_anomaly_of(ladder, name), 'fails_' ~ name]) -%}{%- endfor -%}
    {%- do findings.append(['STALE_VERSION', 'is_stale']) -%}
    {%- if 'price_tolerance' in ladder.checks -%}{%- do findings.append([_check_rates().anomaly, _check_rates().fails]) -%}{%- endif -%}
    {%- set matched = 'matched_or_held' if _holds_back(ladder) else 'matched' -%}
    {%- if on_match -%}{%- do findings.append([on_match, is_match]) -%}{%- endif -%}
    {%- set findings = findings | sort %}
{%- for role in ['source', 'target'] %}
{{ role }}_rejections as (
    {{ _rejections(ladder[role], with_receipts=true) }}
),
{% endfor %}
measured as {{ inline_cte() }} (
    select
        matched.*,
        {%- for field in policy_fields(only='shown') + ['fx_max_age_days', 'fx_pivot', 'rule_version'] %}
        {{ _policy_field(field) }} as {{ field }},
        {%- endfor %}
        -- where no base currency is named, the source's serves
        case
            when {{ _policy_field('price_basis') }} = 'BASE'
                then coalesce({{ _policy_field('base_currency') }}, matched.source_currency, matched.target_currency)
        end as base_currency,
        {{ epoch_microseconds('matched.target_event_at') }} - {{ epoch_microseconds('matched.source_event_at') }} as skew_microseconds,
        status_pairs.stream is not null as is_allowed_status_pair,
        {%- for role in ['source', 'target'] %}
        coalesce(
            {{ role }}_rejections.highest_version > matched.{{ role }}_version
            or {{ role }}_rejections.unversioned_at > coalesce({{ role }}_rejections.last_received_at, matched.{{ role }}_received_at),
            false
        ) and matched.{{ is_match }} as {{ role }}_is_stale,
        {{ role }}_rejections.batch_id as {{ role }}_rejected_batch_id,
        {{ role }}_rejections.row_number as {{ role }}_rejected_row_number{{ ',' if role == 'source' }}
        {%- endfor %}
    from {{ matched }} as matched
    {{ _policy_joins(
        'matched',
        "case when matched.side = 'TARGET' then matched.target_counterparty_id else matched.source_counterparty_id end",
        "coalesce(case when matched.side = 'TARGET' then matched.target_business_date else matched.source_business_date end, date '0001-01-01')"
    ) }}
    left join {{ ref('status_pairs') }} as status_pairs
        on
            status_pairs.stream = '{{ ladder.stream }}'
            and matched.source_status = status_pairs.source_status
            and matched.target_status = status_pairs.target_status
    {%- for role in ['source', 'target'] %}
    left join {{ role }}_rejections
        on matched.org_id = {{ role }}_rejections.org_id and matched.{{ role }}_activity_id = {{ role }}_rejections.record_id
    {%- endfor %}
),

{{ _converted(is_match=is_match) }}

checked as {{ inline_cte() }} (
    select
        converted.*,
        {%- for name in ladder.checks %}
        {{ is_match }} and (
            {{ _check(name, ladder.attributes).fails | indent(12) }}
        ) as fails_{{ name }},
        {%- endfor %}
        {{ 'case when ' ~ is_match ~ ' then ' ~ _attribute_differences(ladder.attributes) ~ ' end' if ladder.attributes else text_literal(none) }} as attribute_differences,
        source_is_stale or target_is_stale as is_stale,
        {# The side that came second came after the other one's timer, and not with it. #}
        case
            when outcome <> 'PAIR' then null
            when target_received_at > source_received_at
                then {{ epoch_microseconds('target_received_at') }} - {{ epoch_microseconds(add_time('source_event_at', 'grace_minutes', 'minute')) }}
            when source_received_at > target_received_at
                then {{ epoch_microseconds('source_received_at') }} - {{ epoch_microseconds(add_time('target_event_at', 'grace_minutes', 'minute')) }}
        end as late_by_microseconds
    from converted
),

concluded as {{ inline_cte() }} (
    select
        checked.*,
        case
            when {{ "outcome in ('LEFT', 'MEMBER')" if match.many else "outcome = 'LEFT'" }} then ''
            when outcome = 'AMBIGUOUS' then ambiguity
            when not ({% for code, condition in findings %}{{ condition }}{{ ' or ' if not loop.last }}{% endfor %}) then ''
            else concat_ws(
                ','
                {%- for code, condition in findings %},
                case when {{ condition }} then '{{ code }}' end
                {%- endfor %}
            )
        end as anomalies
    from checked
),

judged as {{ inline_cte() }} (
    select
        concluded.*,
        case
            when {{ "outcome not in ('LEFT', 'MEMBER')" if match.many else "outcome <> 'LEFT'" }}
                then {{ _results_row_hash({
                    'stream': "'" ~ ladder.stream ~ "'",
                    'step': "'" ~ step ~ "'",
                    'result': "case" ~ (" when outcome = 'NETTED' then 'EXCLUDED'" if match.get('nets') else '') ~ " when outcome = 'AMBIGUOUS' then 'AMBIGUOUS' when anomalies = '' then 'MATCHED' else 'MISMATCHED' end",
                    'source_system': _system_of(ladder, 'source'),
                    'target_system': _system_of(ladder, 'target'),
                    'counterparty_id': "case when side = 'TARGET' then target_counterparty_id else source_counterparty_id end",
                    'business_date': "case when side = 'TARGET' then target_business_date else source_business_date end",
                    'difference_minor': 'case when source_currency = target_currency then source_amount_minor - target_amount_minor end'
                }) }}
            {%- if _holds_back(ladder) %}
            -- once, while it is held: there may be as many as a day has, and every hour asks for them
            when is_held then {{ _left_row_hash(ladder, _system_of(ladder, 'source'), _system_of(ladder, 'target')) }}
            {%- endif %}
        end as row_hash
    from concluded
)
{%- endmacro %}

{# The hash of the result that a held record has until it is judged: pending, without an anomaly. As macro `unmatched` would work it out. #}
{% macro _left_row_hash(ladder, source_system, target_system) -%}
    {{ return(_results_row_hash({
        'stream': "'" ~ ladder.stream ~ "'",
        'step': "'unmatched'",
        'result': "'PENDING'",
        'anomalies': "''",
        'source_system': source_system,
        'target_system': target_system,
        'counterparty_id': "case when side = 'TARGET' then target_counterparty_id else source_counterparty_id end",
        'business_date': "case when side = 'TARGET' then target_business_date else source_business_date end",
        'difference_minor': 'null',
        'skew_microseconds': 'null'
    })) }}
{%- endmacro %}
