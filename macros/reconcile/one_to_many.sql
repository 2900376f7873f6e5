{#
    Match rule: one source record with all target records that agree with it in every column of `on`; the mirror of `many_to_one`.

    on:     canonical columns that must be equal on both sides, the currency among them; a null never matches.
    sum_of: what is added of the target records, `amount_minor` or `net_minor`.
    once_per: `[fact, place]`, two canonical columns: where records of one fact come to the same sum in several places, they are one fact told several times, and
              counted once; none: all are added.
    pairs:  whether one record against one is a pair, as one_to_one makes it, and only what has several is a group; false: a group of one.
    Returns a value that only `reconcile` understands; it judges the arguments.
#}
{% macro one_to_many(on, sum_of='amount_minor', once_per=none, pairs=false) -%}
    {{ return({'_is': 'match_rule', 'shape': 'one_to_many', 'many': 'target', 'on': on, 'sum_of': sum_of, 'once_per': once_per, 'pairs': pairs}) }}
{%- endmacro %}
