{#
    The instant (UTC, timestamp) of a local time in a named zone. A local time that occurs twice is taken as standard time, the
    later of its two instants; one that never occurs gives an instant that does not lead back to it: compare with `utc_to_local`.
#}
{% macro local_to_utc(local, zone) -%}
    {{ return(adapter.dispatch('local_to_utc', 'tieout')(local=local, zone=zone)) }}
{%- endmacro %}

{% macro default__local_to_utc(local, zone) -%}
    {# The plain conversion, or an hour or two later if that reads as the same local time: standard time whatever the engine prefers. #}
    {%- set instant = "timezone('UTC', timezone(" ~ zone ~ ", " ~ local ~ "))" -%}
    case
        {%- for later in ['2 hours', '1 hour', '30 minutes'] %}
        when {{ utc_to_local(instant ~ " + interval '" ~ later ~ "'", zone) }} = {{ local }} then {{ instant }} + interval '{{ later }}'
        {%- endfor %}
        else {{ instant }}
    end
{%- endmacro %}

{% macro spark__local_to_utc(local, zone) -%}
    to_utc_timestamp({{ local }}, {{ zone }})
{%- endmacro %}
