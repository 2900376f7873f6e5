{#
    End of a model `identities_<system>__<feed>`: what the arithmetic of its files says of itself. The CTE `sums` has a row a balance of a file or of several, the CTE
    `lines` one a line of a file (none: left out); both have `org_id, balance, scope, currency, expected, actual, holds, batch_id`, and lines `row_number`. A line
    that does not hold stays by itself; those that hold are summed, so that the model is as small as its files are sound. The scope is told with the feed in front.
#}
{% macro as_identities(feed, sums, lines=none) -%}
{%- set amount = type_decimal(38, 0) -%}
select
    org_id,
    cast(balance as {{ type_text() }}) as balance,
    cast('{{ feed }} ' || scope as {{ type_text() }}) as scope,
    cast(currency as {{ type_text() }}) as currency,
    cast(expected as {{ amount }}) as expected,
    cast(actual as {{ amount }}) as actual,
    cast(expected as {{ amount }}) - cast(actual as {{ amount }}) as difference,
    coalesce(holds, false) as holds,
    batch_id,
    cast(null as bigint) as row_number
from {{ sums }}
{%- if lines %}
union all
select
    org_id,
    cast(balance as {{ type_text() }}) as balance,
    cast('{{ feed }} ' || scope as {{ type_text() }}) as scope,
    cast(currency as {{ type_text() }}) as currency,
    cast(sum(expected) as {{ amount }}) as expected,
    cast(sum(actual) as {{ amount }}) as actual,
    cast(sum(expected) as {{ amount }}) - cast(sum(actual) as {{ amount }}) as difference,
    coalesce(holds, false) as holds,
    batch_id,
    case when coalesce(holds, false) then null else row_number end as row_number
from {{ lines }}
group by org_id, balance, scope, currency, batch_id, coalesce(holds, false), case when coalesce(holds, false) then null else row_number end
{%- endif %}
{%- endmacro %}
