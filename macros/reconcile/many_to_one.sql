{#
    Match rule: all source records that agree in every column of `on` with one target record, as a group whose sum stands against the target's amount. Whether the
    sum is right is for the ladder's checks (`price_tolerance`) to say: the link makes the group, not the arithmetic.

    on:     canonical columns that must be equal on both sides, the currency among them; a null never matches.
    sum_of: what is added of the source records, `amount_minor` or `net_minor`.
    once_per: `[fact, place]`, two canonical columns: where records of one fact come to the same sum in several places, they are one fact told several times, and
              counted once; none: all are added.
    pairs:  whether one record against one is a pair, as one_to_one makes it, and only what has several is a group; false: a group of one.

    A target without a source record, and the other way round, is left. Where several targets share the keys, or a record of the block is in conflict, nobody
    can say which sum belongs where: all of the block are AMBIGUOUS.
    Returns a value that only `reconcile` understands; it judges the arguments.
#}
{% macro many_to_one(on, sum_of='amount_minor', once_per=none, pairs=false) -%}
    {{ return({'_is': 'match_rule', 'shape': 'many_to_one', 'many': 'source', 'on': on, 'sum_of': sum_of, 'once_per': once_per, 'pairs': pairs}) }}
{%- endmacro %}
