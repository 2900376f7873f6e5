{#
    Query of the target records that a step of a ladder left, in the record columns (`org_id, activity_id, ...`): the input of what comes after it.

    ladder: name of a ladder in the registry; after: one of its steps.
#}
{% macro unmatched_target(ladder, after) -%}
    {{ return(_unmatched(ladder=ladder, after=after, role='target')) }}
{%- endmacro %}
