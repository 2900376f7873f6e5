{#
    CTE after `with_currencies` that gives each record the kind of money movement that its codes mean (seed `leg_kinds`), null where no line fits. A blank code of a
    line means any, `(blank)` that the record has none; the line with most codes wins, among equally many the one that says the earlier code. Nothing for feeds without `kind_columns`.
#}
{% macro _kinds_of_records(feed, declaration) -%}
    {%- set kind_columns = declaration.get('kind_columns') or [] -%}
    {%- if kind_columns -%}
    {%- set masks = _code_masks(kind_columns | length) %}

-- one row a combination of codes whatever the seed holds, so that no record is ever doubled
known_kinds as (
    select
        {%- for number in range(1, 4) %}
        {{ ascii_lower("coalesce(code_" ~ number ~ ", '')") }} as code_{{ number }},
        {%- endfor %}
        min(kind) as kind
    from {{ ref('leg_kinds') }}
    where system = '{{ feed.split('/')[0] }}' and feed = '{{ feed.split('/')[1] }}'
    group by {% for number in range(1, 4) %}{{ ascii_lower("coalesce(code_" ~ number ~ ", '')") }}{{ ', ' if not loop.last }}{% endfor %}
),

with_kinds as (
    select
        with_currencies.*,
        coalesce({% for mask in masks %}kinds_{{ mask }}.kind, {% endfor %}null) as kind__value
    from with_currencies
    {%- for mask in masks %}
    left join known_kinds as kinds_{{ mask }}
        on
            {%- for number in range(1, 4) %}
            {{ 'and ' if not loop.first }}kinds_{{ mask }}.code_{{ number }} {{ '' -}}
            {%- if mask[number - 1:number] == '1' -%}
                <> '' and kinds_{{ mask }}.code_{{ number }} = {{ ascii_lower('coalesce(with_currencies.' ~ kind_columns[number - 1] ~ ", '(blank)')") }}
            {%- else -%}
                = ''
            {%- endif %}
            {%- endfor %}
    {%- endfor %}
),
    {%- endif -%}
{%- endmacro %}

{# The relation that what is typed is read from, under the name that the typing knows. #}
{% macro _with_kinds(declaration) -%}
    {{ return('with_kinds as with_currencies' if declaration.get('kind_columns') else 'with_currencies') }}
{%- endmacro %}

{# Which of the codes a line of the seed says, as `1` and `0` a code; most first, then those that say the earlier code. #}
{% macro _code_masks(number) -%}
    {{ return({
        1: ['1', '0'],
        2: ['11', '10', '01', '00'],
        3: ['111', '110', '101', '011', '100', '010', '001', '000']
    }[number]) }}
{%- endmacro %}

{# What a rejected record says of codes that no line of the seed fits: `item` is the name, the text or the reason; nothing for feeds without `kind_columns`. #}
{% macro _kind_rejection(declaration, item) -%}
    {%- set kind_columns = declaration.get('kind_columns') or [] -%}
    {%- if kind_columns -%}
    ,
        case when kind__value is null then {{ {
            'name': text_literal(kind_columns | join(', ')),
            'text': "coalesce(" ~ (kind_columns | join(", '') || ' | ' || coalesce(")) ~ ", '')",
            'reason': text_literal((kind_columns | join(', ')) ~ ': unmapped_kind')
        }[item] }} end
    {%- endif -%}
{%- endmacro %}

{# The seeds that a feed's texts are looked up in. While dbt parses, nobody knows which those are, so that it hears of all of them. #}
{% macro _refs_of_texts(feed) -%}
    {%- if not execute -%}
        {%- do ref('leg_kinds') -%}
        {%- do ref('zone_aliases') -%}
    {%- endif -%}
{%- endmacro %}
