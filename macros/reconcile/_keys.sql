{# A step's block key, org and the columns of `on`, as a select list of one relation. #}
{% macro _keys(relation, on) -%}
    {{ relation }}.org_id {%- for column in on %}, {{ relation }}.{{ column }}{% endfor %}
{%- endmacro %}

{# Equality of the block keys of two relations; a null equals nothing. #}
{% macro _equal_keys(one, other, on) -%}
    {{ one }}.org_id = {{ other }}.org_id {%- for column in on %} and {{ one }}.{{ column }} = {{ other }}.{{ column }}{% endfor %}
{%- endmacro %}

{# Whether no column of the block key is null. #}
{% macro _keys_known(relation, on) -%}
    {%- for column in on %}{{ relation }}.{{ column }} is not null{{ ' and ' if not loop.last }}{% endfor %}
{%- endmacro %}
