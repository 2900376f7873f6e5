{#
    The feeds of which an expected delivery is late at the run's `as_of`, as the orchestrator says it: `{org, feed, last_received_at}`, where `feed` is `<system>/<feed>` and `last_received_at` the
    UTC time of the org's last delivery of it, none where it never delivered. From the environment, as the run's clock is; none where dbt runs by itself. What is too long for one variable goes on in
    TIEOUT_LATE_FEEDS_2 and so on (orchestration/health/late.py).
#}
{% macro late_feeds() -%}
    {%- set known = dbt_metadata_envs or {} -%}
    {%- set parts = [known.get('TIEOUT_LATE_FEEDS') or ''] -%}
    {%- for number in range(2, (known | length) + 2) if 'TIEOUT_LATE_FEEDS_' ~ number in known -%}
        {%- do parts.append(known['TIEOUT_LATE_FEEDS_' ~ number]) -%}
    {%- endfor -%}
    {%- set text = parts | join -%}
    {%- set given = fromjson(text, none) if text else [] -%}
    {%- do _fail('DBT_ENV_CUSTOM_ENV_TIEOUT_LATE_FEEDS', _late_feeds_faults(given)) -%}
    {{- return(given) -}}
{%- endmacro %}

{# Every fault of what is said of late feeds: from here on a time stands in a query as it is. #}
{% macro _late_feeds_faults(given) -%}
    {%- set faults = [] -%}
    {%- if given is none or given is string or given is mapping or given is not sequence -%}
        {%- do faults.append("must be a JSON list of objects {org, feed, last_received_at}; got '" ~ (given | string) ~ "'") -%}
    {%- else -%}
        {%- for one in given -%}
            {%- set said = one if one is mapping else {} -%}
            {%- set since = said.get('last_received_at') -%}
            {%- set is_time = since is string and modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?Z', since) is not none -%}
            {%- if said.get('org') is not string or not said.get('org') or said.get('feed') is not string or said.feed.split('/') | length != 2 or not (since is none or is_time) -%}
                {%- do faults.append(
                    "each must be {org: <text>, feed: '<system>/<feed>', last_received_at: 'YYYY-MM-DDTHH:MM:SS[.ffffff]Z' or null}; got '" ~ (one | string) ~ "'"
                ) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(faults) }}
{%- endmacro %}

{# The late feeds among those of a side of a ladder. #}
{% macro _late_feeds_of(side) -%}
    {%- set found = [] -%}
    {%- for one in late_feeds() if one.feed in side.feeds -%}{%- do found.append(one) -%}{%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#
    Query of the orgs for which one of these feeds is late, with the last delivery of the one that has not come for longest; by system where the ladder says `one_system`.
    One that never delivered could not have told of anything.
#}
{% macro _late_since(ladder, late) -%}
select
    org_id,
    {{- '\n    system,' if ladder.one_system }}
    min(last_received_at) as last_received_at
from (
    values
    {%- for one in late %}
    ({{ text_literal(one.org) }}, {{ text_literal(one.feed.split('/')[0]) }}, {{ timestamp_literal((one.last_received_at or '0001-01-01T00:00:00Z') | replace('T', ' ') | replace('Z', '')) }})
    {{- ',' if not loop.last }}
    {%- endfor %}
) as late (org_id, system, last_received_at)
group by org_id{{ ', system' if ladder.one_system }}
{%- endmacro %}
