{#
    Post-hook of the log of exceptions: notes what rules have written off in `audit.absorptions`, where the next run finds how much of each budget is used. It looks at
    the whole log, so that a note that a crash has lost is made up for.
#}
{% macro record_absorptions() -%}
    insert into {{ _absorptions() }} (exception_id, org_id, rule_id, counterparty_id, month, currency, absorbed_minor, run_id)
    select
        log.exception_id,
        log.org_id,
        log.rule_id,
        log.counterparty_id,
        {{ _month_of('log.business_date') }},
        log.absorbed_currency,
        log.absorbed_minor,
        log.run_id
    from {{ this }} as log
    where
        log.event = 'AUTO_WRITTEN_OFF'
        and not exists (
            select 1
            from {{ _absorptions() }} as noted
            where noted.exception_id = log.exception_id
        )
{%- endmacro %}

{% macro _absorptions() -%}
    {{ return(generate_schema_name('audit', none) ~ '.absorptions') }}
{%- endmacro %}
