{#
    The shape that nearly every value of a type has as it was delivered, tested by one regular expression; what fits it needs neither trimming nor pulling
    apart. A pattern that nothing fits for amounts under other marks than `.`.
#}
{% macro _plain_pattern(declaration, column) -%}
    {%- if column.type == 'amount' -%}
        {%- set own_marks = [declaration.decimal_mark, declaration.grouping_mark] -%}
        {%- for override in declaration.get('overrides') or [] -%}
            {%- do own_marks.extend([override.get('decimal_mark', '.'), override.get('grouping_mark', '')]) -%}
        {%- endfor -%}
        {{ return('-?[0-9]{1,14}(\\.[0-9]{1,4})?' if own_marks | reject('in', ['.', '']) | list == [] else '[^\\s\\S]') }}
    {%- elif column.type == 'time' -%}
        {%- set year = '([1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])' -%}
        {{ return(year ~ '-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?'
            ~ ('Z?' if _zone(declaration, column) == "'UTC'" else 'Z')) }}
    {%- elif column.type == 'integer' -%}
        {{ return('[0-9]{1,18}') }}
    {%- endif -%}
    {# No blank at either end, all visible ASCII. #}
    {{ return('[!-~]([ -~]*[!-~])?') }}
{%- endmacro %}
