{#
    Whether a column's text as it was delivered has the shape that nearly every value of its type has, which needs neither trimming nor pulling apart. False says
    nothing. No amount is plain in a feed with other marks than `.`.
#}
{% macro _is_plain(declaration, column) -%}
    {%- if column.type == 'amount' -%}
        {%- set own_marks = [declaration.decimal_mark, declaration.grouping_mark] -%}
        {%- for override in declaration.get('overrides') or [] -%}
            {%- do own_marks.extend([override.get('decimal_mark', '.'), override.get('grouping_mark', '')]) -%}
        {%- endfor -%}
        {{ return(matches(column.name, '-?[0-9]{1,14}(\\.[0-9]{1,4})?') if own_marks | reject('in', ['.', '']) | list == [] else 'false') }}
    {%- elif column.type == 'time' -%}
        {{ return(plain_time(column.name, column.name ~ '__moment', may_be_local=_zone(declaration, column) == "'UTC'")) }}
    {%- elif column.type == 'integer' -%}
        {{ return(matches(column.name, '[0-9]{1,18}')) }}
    {%- endif -%}
    {{ return(plain_text(column.name)) }}
{%- endmacro %}
