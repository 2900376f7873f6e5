{#
    Several values as one text for hashing: joined by U+001F, null as U+001E, so that neighbours cannot run together and null is not ''.
    `columns` are expressions of type text, integer or date; dates must have been cast by the caller if their text differs by engine.
#}
{% macro joined_text(columns) -%}
    concat_ws(
        chr(31)
        {%- for column in columns %},
        coalesce(cast({{ column }} as {{ type_text() }}), chr(30))
        {%- endfor %}
    )
{%- endmacro %}
