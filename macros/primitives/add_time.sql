{# A timestamp moved by a number of `unit`s (minute or second); `amount` is any integer expression. #}
{% macro add_time(instant, amount, unit) -%}
    {{ return(adapter.dispatch('add_time', 'tieout')(instant=instant, amount=amount, unit=unit)) }}
{%- endmacro %}

{% macro default__add_time(instant, amount, unit) -%}
    ({{ instant }} + ({{ amount }}) * interval '1 {{ unit }}')
{%- endmacro %}

{% macro spark__add_time(instant, amount, unit) -%}
    timestampadd({{ unit }}, {{ amount }}, {{ instant }})
{%- endmacro %}
