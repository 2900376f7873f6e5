{# STATUS_MISMATCH: the canonical statuses differ and are no allowed pair of the seed `status_pairs`. UNKNOWN aligns with nothing, not even itself. #}
{% macro check_status_alignment() -%}
    {%- set fails -%}
        not coalesce(
            (source_status = target_status and source_status <> 'UNKNOWN') or is_allowed_status_pair,
            false
        )
    {%- endset -%}
    {{ return({
        'anomaly': 'STATUS_MISMATCH',
        'formula': 'source_status = target_status, or an allowed pair; UNKNOWN aligns with nothing',
        'fails': fails
    }) }}
{%- endmacro %}
