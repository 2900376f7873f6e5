{#
    Match rule within one side: a record and the one that takes all of it back, such as a charge and its full refund before either was settled, net out. No
    counterpart is asked for them: both are EXCLUDED with reason REVERSED, and each names the other.

    side:    the side whose records net out, 'source' or 'target'.
    on:      canonical columns that both must have alike, the currency among them; a null never matches.
    between: `{column: [one value, the other]}`, what tells the record from its reversal, such as {'activity_type': ['CHARGE', 'REFUND']}.
    sum_of:  what must come to 0, `amount_minor` or `net_minor`.
    without: columns in which neither has a value, such as ['batch_ref'] for what no payout holds yet.

    Only a block that holds exactly one of each nets out; of more, nobody can say which took back which, and all of them are left.
    Returns a value that only `reconcile` understands; it judges the arguments.
#}
{% macro reversal_pairs(side, on, between, sum_of='amount_minor', without=[]) -%}
    {{ return({
        '_is': 'match_rule', 'shape': 'reversal_pairs', 'many': none, 'nets': side, 'on': on, 'between': between, 'sum_of': sum_of, 'without': without, 'within': none
    }) }}
{%- endmacro %}
