{#
    What a ladder compares besides amount, currency, status and time, as a list of `{name, compare, limit, blank}` by name.

    given: attribute -> comparison, or -> `{compare, limit, blank}`. A comparison is one of `_comparisons`; `limit` how far apart two values may lie (numeric_within,
    date_within); `blank: passes` where a side that says nothing is no difference.
#}
{% macro _compared_attributes(given) -%}
    {%- set attributes = [] -%}
    {%- if given is mapping -%}
        {%- for name in given | sort -%}
            {%- set rule = given[name] if given[name] is mapping else {'compare': given[name]} -%}
            {%- do attributes.append(dict({'limit': none, 'blank': 'fails'}, **dict(rule, name=name))) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(attributes) }}
{%- endmacro %}

{# The comparisons of attributes, each with whether it takes a limit. #}
{% macro _comparisons() -%}
    {{ return({'equal': false, 'trimmed': false, 'case_blind': false, 'similar': false, 'numeric_within': true, 'date_within': true}) }}
{%- endmacro %}

{# The faults of a ladder's attributes, as texts for people. #}
{% macro _attribute_faults(ladder) -%}
    {%- set faults = [] -%}
    {%- set where = "ladder '" ~ ladder.name ~ "': attributes" -%}
    {%- set given = ladder.given.get('attributes') or {} -%}
    {%- set named = ladder.checks is sequence and ladder.checks is not string and 'attribute_equality' in ladder.checks -%}
    {%- if given is not mapping -%}
        {%- do faults.append(where ~ " must map an attribute to a comparison, such as {guest_name: similar}; got '" ~ (given | string) ~ "'") -%}
    {%- endif -%}
    {%- if named != (ladder.attributes | length > 0) -%}
        {%- do faults.append(where ~ ": name check 'attribute_equality' and say what it compares, both or neither") -%}
    {%- endif -%}
    {%- for attribute in ladder.attributes -%}
        {%- for role in ['source', 'target'] if ladder[role] is not none -%}
            {%- set possible = _attributes(ladder[role].records) -%}
            {%- if attribute.name not in possible + _canonical_columns() -%}
                {%- do faults.append(where ~ ": '" ~ attribute.name ~ "' is no attribute of " ~ role ~ " '" ~ ladder[role].spec ~ "'; vars.attributes gives it '" ~ (possible | join("', '"))
                    ~ "', and canonical columns serve too") -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if attribute.compare not in _comparisons() -%}
            {%- do faults.append(where ~ '.' ~ attribute.name ~ ": '" ~ (attribute.compare | string) ~ "' is no comparison; allowed are " ~ (_comparisons() | join(', '))) -%}
        {%- elif _comparisons()[attribute.compare] != (attribute.limit is number) or (attribute.limit is number and attribute.limit < 0) -%}
            {%- do faults.append(where ~ '.' ~ attribute.name ~ ": comparison '" ~ attribute.compare ~ "' takes "
                ~ ('a limit, a number of 0 or more' if _comparisons()[attribute.compare] else 'no limit') ~ "; got '" ~ (attribute.limit | string) ~ "'") -%}
        {%- endif -%}
        {%- if attribute.blank not in ['fails', 'passes'] -%}
            {%- do faults.append(where ~ '.' ~ attribute.name ~ ": blank must be fails or passes; got '" ~ (attribute.blank | string) ~ "'") -%}
        {%- endif -%}
        {%- for key in attribute if key not in ['name', 'compare', 'limit', 'blank'] -%}
            {%- do faults.append(where ~ '.' ~ attribute.name ~ ": '" ~ key ~ "' is not known; allowed are compare, limit, blank") -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(faults) }}
{%- endmacro %}
