{# The row in its file of a canonical record: the n-th further leg of a row has the row's number plus n * 10^12, so that a record's number is its own. #}
{% macro file_row(row_number) -%}
    ({{ row_number }} % 1000000000000)
{%- endmacro %}
