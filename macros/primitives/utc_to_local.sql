{# The local time (timestamp without zone) at an instant given in UTC. #}
{% macro utc_to_local(instant, zone) -%}
    {{ return(adapter.dispatch('utc_to_local', 'tieout')(instant=instant, zone=zone)) }}
{%- endmacro %}

{% macro default__utc_to_local(instant, zone) -%}
    timezone({{ zone }}, timezone('UTC', {{ instant }}))
{%- endmacro %}

{% macro spark__utc_to_local(instant, zone) -%}
    from_utc_timestamp({{ instant }}, {{ zone }})
{%- endmacro %}
