{# Select-list items that pull one column's text apart: whether it has the right shape, and its pieces. #}
{% macro _parsed_column(declaration, column) -%}
    {%- set name = column.name -%}
    {%- if column.type == 'amount' %},
        {%- set marks = [{'decimal_mark': declaration.decimal_mark, 'grouping_mark': declaration.grouping_mark}] -%}
        {%- for override in declaration.get('overrides') or [] if 'decimal_mark' in override or 'grouping_mark' in override -%}
            {%- do marks.append(override) -%}
        {%- endfor %}
        {%- if marks | length == 1 %}
        {{ _amount_shape(name, declaration.decimal_mark, declaration.grouping_mark) }} as {{ name }}__shaped,
        {{ _amount_unsigned(name, declaration.decimal_mark, declaration.grouping_mark) }} as {{ name }}__unsigned
        {%- else %}
        {%- for part in ['shaped', 'unsigned'] %}
        case
            {%- for override in marks[1:] | reverse %}
            when trimmed.org_id = {{ text_literal(override.org_id) }}
                {%- if override.get('counterparty_id') %} and trimmed.{{ declaration.counterparty_column }} = {{ text_literal(override.counterparty_id) }}{% endif %} then
                {{ (_amount_shape if part == 'shaped' else _amount_unsigned)(name, override.get('decimal_mark', declaration.decimal_mark), override.get('grouping_mark', declaration.grouping_mark)) }}
            {%- endfor %}
            else {{ (_amount_shape if part == 'shaped' else _amount_unsigned)(name, declaration.decimal_mark, declaration.grouping_mark) }}
        end as {{ name }}__{{ part }}{{ ',' if not loop.last }}
        {%- endfor %}
        {%- endif %}
    {%- elif column.type == 'time' %},
        {{ matches('trimmed.' ~ name, _time_pattern()) }} and left(trimmed.{{ name }}, 4) <> '0000' as {{ name }}__shaped,
        case
            when right(trimmed.{{ name }}, 1) = 'Z' then 'Z'
            when position('+' in substr(trimmed.{{ name }}, 17)) > 0
                then substr(trimmed.{{ name }}, 16 + position('+' in substr(trimmed.{{ name }}, 17)))
            when position('-' in substr(trimmed.{{ name }}, 17)) > 0
                then substr(trimmed.{{ name }}, 16 + position('-' in substr(trimmed.{{ name }}, 17)))
            else ''
        end as {{ name }}__offset
    {%- elif column.type == 'date' %},
        {{ matches('trimmed.' ~ name, '[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])') }} and left(trimmed.{{ name }}, 4) <> '0000' as {{ name }}__shaped
    {%- elif column.type == 'integer' %},
        {{ matches('trimmed.' ~ name, '[+-]?[0-9]+') }} as {{ name }}__shaped,
        {{ strip_zeros("replace(replace(trimmed." ~ name ~ ", '-', ''), '+', '')", 'left') }} as {{ name }}__digits
    {%- elif column.type == 'decimal' %},
        {{ matches('trimmed.' ~ name, '[+-]?[0-9]{1,9}(\\.[0-9]{1,9})?') }} as {{ name }}__shaped
    {%- endif -%}
{%- endmacro %}

{# ISO 8601 date and time, seconds and their fraction and the offset optional. #}
{% macro _time_pattern() -%}
    {{ return('[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,9})?)?(Z|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)?') }}
{%- endmacro %}

{# Whether a text is an amount under these marks. A grouping mark may stand only where it groups: `1.2` is no twelve. #}
{% macro _amount_shape(name, decimal_mark, grouping_mark) -%}
    {%- set decimal = modules.re.escape(decimal_mark) -%}
    {%- set whole = '[0-9]+' if not grouping_mark else '([0-9]+|[0-9]{1,3}(' ~ modules.re.escape(grouping_mark) ~ '[0-9]{3})+)' -%}
    {{ return(matches('trimmed.' ~ name, '[+-]?' ~ whole ~ '(' ~ decimal ~ '[0-9]+)?')) }}
{%- endmacro %}

{# The digits of an amount with `.` as decimal mark, no grouping and no sign. #}
{% macro _amount_unsigned(name, decimal_mark, grouping_mark) -%}
    {%- set text = "replace(replace(trimmed." ~ name ~ ", '-', ''), '+', '')" -%}
    {%- if grouping_mark -%}
        {%- set text = 'replace(' ~ text ~ ', ' ~ text_literal(grouping_mark) ~ ", '')" -%}
    {%- endif -%}
    {%- if decimal_mark != '.' -%}
        {%- set text = 'replace(' ~ text ~ ', ' ~ text_literal(decimal_mark) ~ ", '.')" -%}
    {%- endif -%}
    {{ return(text) }}
{%- endmacro %}
