{#
    Query of an arithmetic that holds in every row of a feed's files: one row a batch and currency, the rows' amounts added up, with the first row that breaks it. A batch
    holds only if all of its rows do, whatever they come to together.

    feed:     '<system>/<feed>', staged by `stg_<system>__<feed>`.
    expected, actual: expressions over the columns of `staged`, in minor units.
    balance:  what the arithmetic is called. where: which rows have it; none for all.
#}
{% macro row_identity(feed, expected, actual, balance='row_identity', where=none) -%}
select
    staged.org_id,
    cast('{{ balance }}' as {{ type_text() }}) as balance,
    cast('{{ feed }}' as {{ type_text() }}) as scope,
    staged.currency,
    cast(sum({{ expected }}) as {{ type_decimal(38, 0) }}) as expected,
    cast(sum({{ actual }}) as {{ type_decimal(38, 0) }}) as actual,
    cast(sum({{ expected }}) - sum({{ actual }}) as {{ type_decimal(38, 0) }}) as difference,
    sum(case when {{ expected }} = {{ actual }} then 0 else 1 end) = 0 as holds,
    staged.batch_id,
    min(case when {{ expected }} = {{ actual }} then null else staged.row_number end) as row_number
from {{ ref('stg_' ~ feed | replace('/', '__')) }} as staged
where staged.is_valid{{ ' and ' ~ where if where }}
group by staged.org_id, staged.batch_id, staged.currency
{%- endmacro %}
