{#
    The fields of a policy, in their order: a list of column names.

    only: 'judging' for those that verdicts depend on, 'shown' for those that a result carries; none for all.
#}
{% macro policy_fields(only=none) -%}
    {%- set shown = ['price_abs_minor', 'price_pct', 'skew_seconds', 'grace_minutes'] -%}
    {%- set judging = shown + ['price_basis', 'base_currency', 'fx_max_age_days', 'fx_pivot'] -%}
    {%- if only == 'shown' -%}{{ return(shown) }}{%- elif only == 'judging' -%}{{ return(judging) }}{%- endif -%}
    {{ return(judging + ['mode', 'medium_from_minor', 'high_from_minor', 'critical_from_minor', 'approval_from_minor']) }}
{%- endmacro %}
