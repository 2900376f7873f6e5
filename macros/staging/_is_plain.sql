{#
    Whether a column's text as it was delivered has the shape that nearly every value of its type has, which needs neither trimming nor pulling apart. False says
    nothing.
#}
{% macro _is_plain(declaration, column) -%}
    {%- if column.type == 'amount' -%}
        {{ return(_is_plain_amount(declaration, column.name)) }}
    {%- elif column.type == 'time' -%}
        {{ return(plain_time(column.name, column.name ~ '__moment', may_be_local=_zone(declaration, column) == "'UTC'")) }}
    {%- elif column.type == 'integer' -%}
        {{ return(matches(column.name, '[0-9]{1,18}')) }}
    {%- endif -%}
    {{ return(plain_text(column.name)) }}
{%- endmacro %}

{#
    Digits with at most one point, which says the same under every grouping mark. Where some org's decimal mark is another, or a point groups, only what has no
    point is surely what it seems.
#}
{% macro _is_plain_amount(declaration, text) -%}
    {%- set is_point = [declaration.decimal_mark == '.' and declaration.grouping_mark != '.'] -%}
    {%- for override in declaration.get('overrides') or [] -%}
        {%- do is_point.append(override.get('decimal_mark', '.') == '.' and override.get('grouping_mark') != '.') -%}
    {%- endfor -%}
    {{ return(matches(text, '-?[0-9]{1,14}(\\.[0-9]{1,4})?' if is_point | min else '-?[0-9]{1,14}')) }}
{%- endmacro %}
