{#
    What holds of every feed of statements (policies, rates, rules): the last good one of what it is about counts. The models have `received_at, batch_id, row_number`.

    about: column or expression of what a statement is about; content: all that it says.
#}

{# Whether another statement about the same, received together, says something else: then neither counts. #}
{% macro _contradicts(about, content) -%}
    min({{ content }}) over (partition by {{ about }}, received_at) <> max({{ content }}) over (partition by {{ about }}, received_at)
{%- endmacro %}

{# Whether a statement counts: nothing is wrong with it (`reject_reason`) and no later one is about the same; equal ones received together are one. #}
{% macro _counts(about) -%}
    reject_reason is null and row_number() over (
        partition by {{ about }}, case when reject_reason is null then 1 else 0 end
        order by received_at desc, batch_id, row_number
    ) = 1
{%- endmacro %}
