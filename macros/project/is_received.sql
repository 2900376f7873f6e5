{#
    Condition that a delivery had come by the run's `as_of`. The one use of the clock that does not make a model change by itself: what it lets in only grows with
    deliveries (orchestration/selection.py relies on it).

    batches: what has the column `received_at`.
#}
{% macro is_received(batches) -%}
    {{- return(batches ~ '.received_at <= ' ~ as_of()) -}}
{%- endmacro %}
