{#
    Condition that an event is recent enough for a run of mode hourly. What it leaves out waits for the next daily run, so that a model does not change by it alone
    (orchestration/selection.py relies on it).

    event_at: expression of the event's time. hours: how far back a run looks.
#}
{% macro is_recent(event_at, hours) -%}
    {{- return(event_at ~ ' >= ' ~ add_time(as_of(), '-' ~ hours, 'hour')) -}}
{%- endmacro %}
