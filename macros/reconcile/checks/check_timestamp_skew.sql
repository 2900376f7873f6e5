{# TIMESTAMP_SKEW: `abs(target_event_at - source_event_at) > skew_seconds`, compared in microseconds; equal to the limit passes. A missing time fails. #}
{% macro check_timestamp_skew() -%}
    {{ return({
        'anomaly': 'TIMESTAMP_SKEW',
        'formula': 'abs(target_event_at - source_event_at) <= skew_seconds, in microseconds',
        'fails': 'coalesce(abs(skew_microseconds) > skew_seconds * 1000000, true)'
    }) }}
{%- endmacro %}
