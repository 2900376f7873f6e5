{#
    The run that comes to a verdict, as the text that a step writes beside it: what tells the verdicts of one run from those that stood before. It does not make a
    step change by itself: a run writes it only where something else made it judge (orchestration/selection.py relies on it).
#}
{% macro judged_in_run() -%}
    {{- return('cast(' ~ run_id() ~ ' as ' ~ type_text() ~ ')') -}}
{%- endmacro %}
