{#
    ATTRIBUTE_MISMATCH: an attribute of the two records differs, by the comparison that the ladder declares for it (`attributes`).

    equal           the same value
    trimmed         the same text, blanks around it apart
    case_blind      the same text, `A` to `Z` and blanks around it apart
    similar         the same letters and digits in the same order, `A` to `Z` as `a` to `z`; blanks and punctuation between them say nothing
    numeric_within  numbers no further apart than `limit`; equal to it passes
    date_within     days no further apart than `limit`; equal to it passes

    Two blanks are equal. One blank differs, unless the attribute says `blank: passes`.
#}
{% macro check_attribute_equality(attributes) -%}
    {%- set conditions = [] -%}
    {%- set formulas = [] -%}
    {%- for attribute in attributes -%}
        {%- do conditions.append(_attribute_differs(attribute)) -%}
        {%- do formulas.append(attribute.name ~ ' ' ~ attribute.compare ~ (' ' ~ attribute.limit if attribute.limit is not none else '')
            ~ (', a blank passes' if attribute.blank == 'passes' else '')) -%}
    {%- endfor -%}
    {{ return({
        'anomaly': 'ATTRIBUTE_MISMATCH', 'formula': formulas | join('; '),
        'fails': conditions | join('\n        or ') if conditions else 'false'
    }) }}
{%- endmacro %}

{# Whether one attribute differs: true or false, never null. #}
{% macro _attribute_differs(attribute) -%}
    {%- set source = 'source_' ~ attribute.name -%}
    {%- set target = 'target_' ~ attribute.name -%}
    {%- if attribute.compare == 'numeric_within' -%}
        {%- set differs = 'abs(' ~ source ~ ' - ' ~ target ~ ') > ' ~ attribute.limit -%}
    {%- elif attribute.compare == 'date_within' -%}
        {%- set differs = 'abs(cast(' ~ source ~ ' as date) - cast(' ~ target ~ ' as date)) > ' ~ attribute.limit -%}
    {%- elif attribute.compare == 'equal' -%}
        {%- set differs = source ~ ' <> ' ~ target -%}
    {%- else -%}
        {%- set sides = [] -%}
        {%- for side in [source, target] -%}
            {%- set text = 'cast(' ~ side ~ ' as ' ~ type_text() ~ ')' -%}
            {%- set trimmed = trim_blanks(text) -%}
            {%- do sides.append(
                replace_every(ascii_lower(text), '[- \\t\\r\\n\u00a0.,;:!?()/_&+*#"\'`´’]+', '') if attribute.compare == 'similar'
                else ascii_lower(trimmed) if attribute.compare == 'case_blind' else trimmed
            ) -%}
        {%- endfor -%}
        {%- set differs = sides | join(' <> ') -%}
        {%- if attribute.compare == 'similar' -%}
            {# Nearly all are the same but for their case, and need no look for punctuation. #}
            {%- set same = ascii_lower('cast(source_' ~ attribute.name ~ ' as ' ~ type_text() ~ ')') ~ ' = ' ~ ascii_lower('cast(target_' ~ attribute.name ~ ' as ' ~ type_text() ~ ')') -%}
            {%- set differs = 'case when ' ~ same ~ ' then false else ' ~ differs ~ ' end' -%}
        {%- endif -%}
    {%- endif -%}
    {{ return('(' ~ source ~ ' is not null or ' ~ target ~ ' is not null) and coalesce(' ~ differs ~ ', ' ~ ('false' if attribute.blank == 'passes' else 'true') ~ ')') }}
{%- endmacro %}

{# What differs, as a text for people: each attribute with both values; null where nothing does. #}
{% macro _attribute_differences(attributes) -%}
    nullif(concat_ws(
        '; '
        {%- for attribute in attributes %},
        case
            when {{ _attribute_differs(attribute) }}
                then '{{ attribute.name }}: ' || coalesce(cast(source_{{ attribute.name }} as {{ type_text() }}), 'nothing') || ' / '
                    || coalesce(cast(target_{{ attribute.name }} as {{ type_text() }}), 'nothing')
        end
        {%- endfor %}
    ), '')
{%- endmacro %}
