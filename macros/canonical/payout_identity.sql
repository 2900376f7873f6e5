{#
    Query of what a file says of a payout that stands among its own lines: one row a payout of a batch. The lines come to what the payout takes from the balance. Payouts
    that have no row in the file have none here: whether their lines come to their amount is reconciled.

    feed:  '<system>/<feed>', staged with `kind`. payout: what names a line's payout, an expression over `staged`. net: the column of a line's amount, without `_minor`.
#}
{% macro payout_identity(feed, payout, net) -%}
select
    staged.org_id,
    cast('batch_identity' as {{ type_text() }}) as balance,
    cast('{{ feed }} ' || {{ payout }} as {{ type_text() }}) as scope,
    staged.currency,
    cast(-sum(case when staged.kind = 'PAYOUT' then staged.{{ net }}_minor end) as {{ type_decimal(38, 0) }}) as expected,
    cast(sum(case when staged.kind = 'PAYOUT' then 0 else staged.{{ net }}_minor end) as {{ type_decimal(38, 0) }}) as actual,
    cast(-sum(staged.{{ net }}_minor) as {{ type_decimal(38, 0) }}) as difference,
    sum(staged.{{ net }}_minor) = 0 as holds,
    staged.batch_id,
    cast(null as bigint) as row_number
from {{ ref('stg_' ~ feed | replace('/', '__')) }} as staged
where staged.is_valid and {{ payout }} is not null and staged.kind <> 'IGNORED'
group by staged.org_id, staged.batch_id, {{ payout }}, staged.currency
having sum(case when staged.kind = 'PAYOUT' then 1 else 0 end) > 0
{%- endmacro %}
