{#
    A text as references are searched and compared in it: capitals, one blank for all that is neither letter nor digit, none at the ends. Banks cut, pad and
    capitalise; what is left after this is what they keep.
#}
{% macro reference_words(text) -%}
    trim({{ replace_every(ascii_upper(text), '[^A-Z0-9]+', ' ') }})
{%- endmacro %}
