{# The text of one column without blanks around it; null for nothing. Nearly every value is plain, and passed on as it is. #}
{% macro _parsed_column(column) -%}
    case when {{ column.name }}__is_plain then {{ column.name }} else nullif({{ trim_blanks(column.name) }}, '') end as {{ column.name }}
{%- endmacro %}

{# ISO 8601 date and time, seconds and their fraction and the offset optional. An offset is at most 14:00 either way, as in XML Schema. #}
{% macro _time_pattern() -%}
    {{ return('[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,9})?)?(Z|[+-]((0[0-9]|1[0-3])(:?[0-5][0-9])?|14(:?00)?))?') }}
{%- endmacro %}

{% macro _date_pattern() -%}
    {{ return('[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])') }}
{%- endmacro %}
