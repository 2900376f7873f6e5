{#
    The pieces of an amount's text under the marks that hold for its row: `{shaped, whole, fraction}`, each an expression. Overrides for an org or a counterparty
    make them cases.
#}
{% macro _amount(declaration, name) -%}
    {%- set whole_feed = {'decimal_mark': declaration.decimal_mark, 'grouping_mark': declaration.grouping_mark} -%}
    {%- set overrides = _marks_of_scopes(declaration, whole_feed) -%}
    {%- set shaped = _by_row(declaration, overrides, _amount_shape(name, whole_feed), 'shape', name) -%}
    {%- set unsigned = _by_row(declaration, overrides, _amount_unsigned(name, whole_feed), 'unsigned', name) -%}
    {{ return({
        'shaped': shaped,
        'whole': strip_zeros("split_part(" ~ unsigned ~ ", '.', 1)", 'left'),
        'fraction': strip_zeros("split_part(" ~ unsigned ~ ", '.', 2)", 'right')
    }) }}
{%- endmacro %}

{#
    The marks of every org and counterparty that has others than the whole feed, those of orgs first. Each mark is inherited by itself: a counterparty that
    names one keeps the other from its org.
#}
{% macro _marks_of_scopes(declaration, whole_feed) -%}
    {%- set declared = [] -%}
    {%- for override in declaration.get('overrides') or [] if 'decimal_mark' in override or 'grouping_mark' in override -%}
        {%- do declared.append(override) -%}
    {%- endfor -%}
    {%- set of_orgs = {} -%}
    {%- set of_counterparties = {} -%}
    {%- for scope in declared -%}
        {%- set marks = dict(whole_feed, org_id=scope.org_id, counterparty_id=scope.get('counterparty_id')) -%}
        {%- for override in declared if override.org_id == scope.org_id and override.get('counterparty_id') in [none, '', marks.counterparty_id] -%}
            {%- for name in whole_feed if name in override -%}{%- do marks.update({name: override[name]}) -%}{%- endfor -%}
        {%- endfor -%}
        {%- do (of_counterparties if marks.counterparty_id else of_orgs).update({(scope.org_id, marks.counterparty_id): marks}) -%}
    {%- endfor -%}
    {{ return((of_orgs.values() | list) + (of_counterparties.values() | list)) }}
{%- endmacro %}

{% macro _by_row(declaration, overrides, otherwise, part, name) -%}
    {%- if not overrides -%}{{ return(otherwise) }}{%- endif -%}
    {%- set cases = [] -%}
    {%- for marks in overrides | reverse -%}
        {%- set expression = _amount_shape(name, marks) if part == 'shape' else _amount_unsigned(name, marks) -%}
        {%- do cases.append('when ' ~ _override_applies(declaration, marks) ~ ' then ' ~ expression) -%}
    {%- endfor -%}
    {{ return('(case ' ~ (cases | join(' ')) ~ ' else ' ~ otherwise ~ ' end)') }}
{%- endmacro %}

{# Whether a text is an amount under these marks. A grouping mark may stand only where it groups: `1.2` is no twelve. #}
{% macro _amount_shape(name, marks) -%}
    {%- set whole = '[0-9]+' if not marks.grouping_mark else '([0-9]+|[0-9]{1,3}(' ~ modules.re.escape(marks.grouping_mark) ~ '[0-9]{3})+)' -%}
    {{ return(matches(name, '[+-]?' ~ whole ~ '(' ~ modules.re.escape(marks.decimal_mark) ~ '[0-9]+)?')) }}
{%- endmacro %}

{# The digits of an amount with `.` as decimal mark, no grouping and no sign. #}
{% macro _amount_unsigned(name, marks) -%}
    {%- set text = 'replace(replace(' ~ name ~ ", '-', ''), '+', '')" -%}
    {%- if marks.grouping_mark -%}
        {%- set text = 'replace(' ~ text ~ ', ' ~ text_literal(marks.grouping_mark) ~ ", '')" -%}
    {%- endif -%}
    {%- if marks.decimal_mark != '.' -%}
        {%- set text = 'replace(' ~ text ~ ', ' ~ text_literal(marks.decimal_mark) ~ ", '.')" -%}
    {%- endif -%}
    {{ return(text) }}
{%- endmacro %}
