{{ config(materialized='view') }}
{#- Layouts differ in whether partial refunds are in the net sales or come on top of them. -#}
{%- set refunds = 'coalesce(staged.partial_refunds_minor, 0)' -%}
{%- set sales = 'staged.gross_sales_minor + coalesce(staged.discounts_minor, 0) + coalesce(staged.service_charges_minor, 0)' -%}
{%- set collected -%}
staged.net_sales_minor + coalesce(staged.gift_card_sales_minor, 0) + coalesce(staged.tax_minor, 0) + coalesce(staged.tip_minor, 0)
{%- endset -%}
{{ row_identity(feed='square/transactions', expected='staged.total_collected_minor + staged.fees_minor', actual='staged.net_total_minor') }}
union all
{{ row_identity(
    feed='square/transactions', balance='net_sales', where='staged.gross_sales_minor is not null and staged.net_sales_minor is not null',
    expected='(case when ' ~ sales ~ ' + ' ~ refunds ~ ' = staged.net_sales_minor then staged.net_sales_minor else ' ~ sales ~ ' end)',
    actual='staged.net_sales_minor'
) }}
union all
{{ row_identity(
    feed='square/transactions', balance='total_collected', where='staged.net_sales_minor is not null',
    expected='(case when ' ~ collected ~ ' + ' ~ refunds ~ ' = staged.total_collected_minor then staged.total_collected_minor else ' ~ collected ~ ' end)',
    actual='staged.total_collected_minor'
) }}
