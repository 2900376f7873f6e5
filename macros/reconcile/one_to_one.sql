{#
    Match rule: one source record with one target record that agree in every column of `on` and lie within every window of `within`.

    on:        canonical columns that must be equal on both sides; a null never matches.
    within:    {'event_at': '<n> seconds|minutes|hours|days'}: largest distance that still matches, either way; or {'business_date': '<a> to <b> business days'}: the target's
               date lies at least a and at most b business days after the source's (a may be negative: before); none for no window.
    calendar:  whose holidays are no business days, a calendar of the seed `holidays`; `weekdays` knows only weekends.
    max_pairs: with a window, a block of equal keys with more candidate pairs than this is not worked off: its records are AMBIGUOUS with
               CANDIDATE_CAP.

    Only a pair in which each is the other's only candidate matches; all records of a larger knot are AMBIGUOUS.
    Returns a value that only `reconcile` understands; it judges the arguments.
#}
{% macro one_to_one(on, within=none, max_pairs=1000000, calendar='weekdays') -%}
    {{ return({'_is': 'match_rule', 'shape': 'one_to_one', 'many': none, 'on': on, 'within': within, 'max_pairs': max_pairs, 'calendar': calendar}) }}
{%- endmacro %}
