{{ config(materialized='view') }}
{#- Exports differ in the sign of fees and of reserved funds: the one under which a row comes to its total is the row's. -#}
{%- set rest -%}
staged.charges_minor + staged.refunds_minor + coalesce(staged.adjustments_minor, 0) + coalesce(staged.retried_amount_minor, 0)
    + coalesce(staged.marketplace_sales_tax_minor, 0) + coalesce(staged.advances_minor, 0)
{%- endset -%}
{%- set reserved = 'coalesce(staged.reserved_funds_minor, 0)' -%}
{%- set sums = [] -%}
{%- for fees_sign, reserved_sign in [['+', '+'], ['-', '+'], ['+', '-'], ['-', '-']] -%}
    {%- do sums.append(rest ~ ' ' ~ fees_sign ~ ' staged.fees_minor ' ~ reserved_sign ~ ' ' ~ reserved) -%}
{%- endfor -%}
{%- set actual -%}
(case {%- for sum in sums %} when {{ sum }} = staged.total_minor then staged.total_minor {%- endfor %} else {{ sums[0] }} end)
{%- endset -%}
{{ row_identity(feed='shopify/payouts', expected='staged.total_minor', actual=actual) }}
