{#
    Pre-hook of a step in an incremental run: finds what must be worked off anew, as scratch tables `touched_source` and `touched_target` (org, activity) and
    `touched_keys`, the blocks, old and new. It reads the step's declaration from the model's own config.

    First step: of a derived side also the records that are not as the step holds them; the activities of batches that the step has not seen, by all their versions, so that the blocks they leave are among them. Later steps: the
    difference between what the step before left and what this one holds. Both: rows of orgs with new policies that were judged under another rule
    version than today's, and records of which another version was rejected, or that were told again since.
#}
{% macro find_touched() -%}
    {%- if execute and is_incremental() -%}
    {%- set declared = model.config.meta -%}
    {%- set ladder = _ladder(declared.ladder) -%}
    {%- set on = declared.on -%}
    {%- set position = ladder.steps.index(declared.step) -%}
    {%- set previous = ladder.steps[position - 1] if position > 0 else none -%}

    {%- set new_batches = _scratch('new_batches') -%}
    {{ scratch_table(new_batches, unprocessed_batches(consumer=declared.consumer, upstream=declared.upstream)) }}

    {%- set orgs -%}
    select
        batches.org_id,
        max(case when batches.feed = 'policies' then 1 else 0 end) as has_policies,
        -- a quote serves its own day and later ones
        min(rates.rate_date) as rates_from
    from {{ source('landing', 'batches') }} as batches
    inner join {{ new_batches }} as new_batches
        on batches.batch_id = new_batches.batch_id
    left join {{ ref('fx_rate_statements') }} as rates
        on batches.batch_id = rates.batch_id
    where batches.system = 'tieout' and batches.feed in ('policies', 'fx_rates')
    group by batches.org_id
    {%- endset -%}
    {{ scratch_table(_scratch('orgs_with_new_terms'), orgs) }}

    {%- set outdated -%}
    with policies_of_stream as (
        {{ _policies_of_stream(ladder, declared.rule) }}
    ),

    held_under_new_terms as (
        select
            held.org_id,
            held.source_activity_id,
            {{ _held_column('held', 'target', 'activity_id', on) }} as target_activity_id,
            held.rule_version,
            held.base_currency,
            held.source_currency,
            {{ _held_column('held', 'target', 'currency', on) }} as target_currency,
            held.source_rate,
            held.source_rate_date,
            held.source_rate_source,
            held.target_rate,
            held.target_rate_date,
            held.target_rate_source,
            held.outcome in ('PAIR', 'GROUP') as is_match,
            coalesce(held.source_counterparty_id, held.target_counterparty_id) as counterparty_id,
            coalesce(held.source_event_at, held.target_event_at) as event_at,
            coalesce(held.source_business_date, held.target_business_date) as business_date
        from {{ this }} as held
        inner join {{ _scratch('orgs_with_new_terms') }} as orgs
            on held.org_id = orgs.org_id
        where
            held.outcome <> 'LEFT'
            -- new rates alone concern what was converted, on the days that they serve
            and (
                orgs.has_policies = 1
                or (held.base_currency is not null and coalesce(held.source_business_date, held.target_business_date) >= orgs.rates_from)
            )
    )

    select
        held_under_new_terms.org_id,
        held_under_new_terms.source_activity_id,
        held_under_new_terms.target_activity_id
    from held_under_new_terms
    {{ _policy_joins('held_under_new_terms', 'held_under_new_terms.counterparty_id', 'held_under_new_terms.business_date') }}
    {%- for role in ['source', 'target'] %}
    {{ _rate_join(
        role ~ '_rates', org='held_under_new_terms.org_id', pivot=_policy_field('fx_pivot'), from='held_under_new_terms.' ~ role ~ '_currency',
        into='held_under_new_terms.base_currency', date='held_under_new_terms.business_date', max_age=_policy_field('fx_max_age_days')
    ) }}
    {%- endfor %}
    where
        {%- if _holds_back(ladder) %}
        {#- What would be held back keeps the verdict that it has until the next daily run. #}
        {{ _policy_field('mode') }} = 'HOURLY' and {{ is_recent('held_under_new_terms.event_at', ladder.hourly_window) }} and
        {%- endif %}
        (
            {{ _policy_field('rule_version') }} is distinct from held_under_new_terms.rule_version
            {#- Only a match has been converted: a single record never had a rate. #}
            or (held_under_new_terms.is_match and (
                {%- for role in ['source', 'target'] %}
                {%- for column in ['rate', 'rate_date', 'rate_source'] %}
                {{ 'or ' if not (loop.first and role == 'source') }}{{ role }}_rates.{{ column }} is distinct from held_under_new_terms.{{ role }}_{{ column }}
                {%- endfor %}
                {%- endfor %}
            ))
        )
    {%- endset -%}
    {{ scratch_table(_scratch('outdated'), outdated) }}

    {%- for role in ['source', 'target'] -%}
        {%- set side = ladder[role] -%}
        {%- if previous -%}
            {{ scratch_table(_scratch('input_' ~ role), (unmatched_source if role == 'source' else unmatched_target)(ladder.name, previous)) }}
        {%- endif -%}
        {%- if side.derived and not previous -%}
            {%- set now -%}
            select
                records.org_id,
                {%- for column in _record_columns(ladder) %}
                records.{{ column }}{{ ',' if not loop.last }}
                {%- endfor %}
            from {{ ref(side.records) }} as records
            left join {{ ref(side.settled) }} as settled
                on records.batch_id = settled.batch_id and records.row_number = settled.row_number
            where (settled.batch_id is null or settled.disposition = 'CONFLICTING'){{ of_orgs(ladder.stream, 'records.org_id') }}
            {%- endset -%}
            {{ scratch_table(_scratch('now_' ~ role), now) }}
        {%- endif -%}
        {%- set touched -%}
        {%- if previous -%}
        select
            came.org_id,
            came.activity_id
        from {{ _scratch('input_' ~ role) }} as came
        where not exists (
            select 1
            from {{ this }} as held
            where held.{{ role }}_batch_id = came.batch_id and held.{{ role }}_row_number = came.row_number
        )
        union
        select
            held.org_id,
            {{ _held_column('held', role, 'activity_id', on) }} as activity_id
        from {{ this }} as held
        where
            held.{{ role }}_batch_id is not null
            and not exists (
                select 1
                from {{ _scratch('input_' ~ role) }} as came
                where held.{{ role }}_batch_id = came.batch_id and held.{{ role }}_row_number = came.row_number
            )
        {%- else -%}
        select
            records.org_id,
            records.activity_id
        from {{ ref(side.records) }} as records
        where records.batch_id in (select new_batches.batch_id from {{ new_batches }} as new_batches){{ of_orgs(ladder.stream, 'records.org_id') }}
        {%- if _holds_back(ladder) %}
        {{ _only_of_consequence(side, new_batches) | indent(8) }}
        {%- endif %}
        {%- endif %}
        {%- if side.derived %}
        {{ _changed_without_delivery(ladder, role, on, is_later=previous is not none) | indent(8) }}
        {%- endif %}
        union
        select
            rejected.org_id,
            rejected.record_id
        from {{ _rejected_records(side) }} as rejected
        where
            rejected.record_id is not null
            and rejected.batch_id in (select new_batches.batch_id from {{ new_batches }} as new_batches){{ of_orgs(ladder.stream, 'rejected.org_id') }}
        {%- if previous or _holds_back(ladder) %}
        -- what was outdated and is told again, which leaves the input of the step as it was
        union
        select
            held.org_id,
            {{ _held_column('held', role, 'activity_id', on) }} as activity_id
        from {{ this }} as held
        inner join {{ ref(side.records) }} as records
            on held.org_id = records.org_id and {{ _held_column('held', role, 'activity_id', on) }} = records.activity_id
        where
            held.rejected_batch_id is not null
            and records.batch_id in (select new_batches.batch_id from {{ new_batches }} as new_batches)
        {%- endif %}
        {%- if ladder.hourly_window is not none %}
        {{ _released(ladder, role, on, is_later=previous is not none) | indent(8) }}
        {%- endif %}
        {%- if not previous %}
        -- what people have ever pinned: few, and looked at anew whatever has become of the decision or of a record
        union
        select
            pins.org_id,
            pins.named_{{ role }}_id as activity_id
        from {{ ref('pins') }} as pins
        where pins.ladder = '{{ ladder.name }}' and pins.named_{{ role }}_id is not null
        {%- endif %}
        union
        select
            outdated.org_id,
            outdated.{{ role }}_activity_id
        from {{ _scratch('outdated') }} as outdated
        where outdated.{{ role }}_activity_id is not null
        {%- endset -%}
        {{ scratch_table(_scratch('touched_' ~ role), touched) }}
    {%- endfor -%}

    {%- set keys -%}
    {%- for role in ['source', 'target'] %}
    {%- set side = ladder[role] %}
    {%- if on == ['activity_id'] %}
    select
        touched.org_id,
        touched.activity_id
    from {{ _scratch('touched_' ~ role) }} as touched
    {%- else %}
    select {{ _keys('records', on) }}
    from {{ _scratch('input_' ~ role) if previous else ref(side.records) }} as records
    inner join {{ _scratch('touched_' ~ role) }} as touched
        on records.org_id = touched.org_id and records.activity_id = touched.activity_id
    where {{ _keys_known('records', on) }}
    {%- if previous or ladder.source.derived or ladder.target.derived %}
    union
    select
        held.org_id
        {%- for column in on %},
        coalesce(held.source_{{ column }}, held.target_{{ column }}) as {{ column }}
        {%- endfor %}
    from {{ this }} as held
    inner join {{ _scratch('touched_' ~ role) }} as touched
        on held.org_id = touched.org_id and {{ _held_column('held', role, 'activity_id', on) }} = touched.activity_id
    where {% for column in on %}coalesce(held.source_{{ column }}, held.target_{{ column }}) is not null{{ ' and ' if not loop.last }}{% endfor %}
    {%- endif %}
    {%- endif %}
    {{- '\n    union' if not loop.last }}
    {%- endfor %}
    {%- endset -%}
    {{ scratch_table(_scratch('touched_keys'), keys) }}
    {%- endif -%}
{%- endmacro %}

{#
    Further queries of touched activities for a side whose records change without a delivery of their own: what the side has now and the step does not hold so, and
    what the step holds and the side has no more, under its old id. A later step compares with what the one before it left.
#}
{% macro _changed_without_delivery(ladder, role, on, is_later) -%}
    {%- set side = ladder[role] -%}
    {# A pair keeps no more of its target than these; the columns that it matched on are the source's. #}
    {%- set compared = ['activity_id', 'status', 'currency', 'amount_minor', 'event_at'] + ladder.carries -%}
    {%- set kept = [] -%}
    {%- for column in compared if not (role == 'target' and column in ['counterparty_id', 'business_date', 'version']) -%}{%- do kept.append(column) -%}{%- endfor -%}
    {%- set now = _scratch(('input_' if is_later else 'now_') ~ role) %}
    union
    select
        now.org_id,
        now.activity_id
    from {{ now }} as now
    left join {{ this }} as held
        on held.{{ role }}_batch_id = now.batch_id and held.{{ role }}_row_number = now.row_number
    where
        held.{{ role }}_batch_id is null
        {%- for column in kept %}
        or {{ _held_column('held', role, column, on) }} is distinct from now.{{ column }}
        {%- endfor %}
    union
    select
        held.org_id,
        {{ _held_column('held', role, 'activity_id', on) }} as activity_id
    from {{ this }} as held
    left join {{ now }} as now
        on held.{{ role }}_batch_id = now.batch_id and held.{{ role }}_row_number = now.row_number
    where
        held.{{ role }}_batch_id is not null
        and (
            now.batch_id is null
            {%- for column in kept %}
            or {{ _held_column('held', role, column, on) }} is distinct from now.{{ column }}
            {%- endfor %}
        )
{%- endmacro %}

{#
    A further query of touched activities in a stream that knows modes: records that were held back and are now judged. A daily run judges all of them, an hourly one
    those whose policy says HOURLY by now; a later step takes what the one before it has released.
#}
{% macro _released(ladder, role, on, is_later) %}
    union
    select
        held.org_id,
        held.{{ role }}_activity_id as activity_id
    from {{ this }} as held
    {%- if is_later %}
    inner join {{ _scratch('input_' ~ role) }} as came
        on held.{{ role }}_batch_id = came.batch_id and held.{{ role }}_row_number = came.row_number
    where held.is_held and not came.is_held
    {%- else %}
    {%- if _holds_back(ladder) %}
    inner join (
        {{ _policies_of_stream(ladder, '') }}
    ) as of_counterparty
        on
            held.org_id = of_counterparty.org_id
            and of_counterparty.mode = 'HOURLY'
            and (of_counterparty.counterparty_id is null or of_counterparty.counterparty_id = held.{{ role }}_counterparty_id)
    {%- endif %}
    where held.is_held and held.side = '{{ role | upper }}'{{ ' and ' ~ is_recent('held.' ~ role ~ '_event_at', ladder.hourly_window) if _holds_back(ladder) }}
    {%- endif %}
{%- endmacro %}

{#
    Of the records of new batches in a run of mode hourly only those that change what is live: a copy of what is known and a lower version leave a block as it was, which
    would else be held back and lose its verdict until the next daily run. A copy makes a difference where its version has come with other contents too: it may live again.
#}
{% macro _only_of_consequence(side, new_batches) %}
    and not exists (
        select 1
        from {{ ref(side.settled) }} as settled
        where
            settled.batch_id = records.batch_id
            and settled.row_number = records.row_number
            and settled.disposition <> 'CONFLICTING'
    )
union
select
    copies.org_id,
    copies.activity_id
from {{ ref(side.settled) }} as copies
inner join {{ ref(side.settled) }} as others
    on copies.org_id = others.org_id and copies.activity_id = others.activity_id and copies.version = others.version
where
    copies.disposition = 'REDELIVERED'
    and others.disposition in ('SUPERSEDED', 'CONFLICTING')
    and copies.content_hash is distinct from others.content_hash
    and copies.batch_id in (select new_batches.batch_id from {{ new_batches }} as new_batches)
{%- endmacro %}
