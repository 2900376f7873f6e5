{#
    The text of a changed column in the grammar's order: an amount without its decoration, a date or time with year, month and day in front. What fits none of the
    declared shapes stays as it is, and is refused like any other text.
#}
{% macro _undone(declaration, column) -%}
    {%- set given = 'given.' ~ column.name -%}
    {%- if column.type == 'amount' -%}
        {%- set marks = declaration.get('amount_marks') or [] -%}
        {%- set text = _without_marks(given, marks) -%}
        {%- if 'symbol' in marks -%}
            {#- A symbol of another currency stays, so that the amount is refused. #}
            {%- set others = _without_marks(given, marks | reject('equalto', 'symbol') | list) -%}
            {%- set text = 'case when ' ~ _symbol_fits(given, 'given.' ~ column.currency) ~ ' then ' ~ text ~ ' else ' ~ others ~ ' end' -%}
        {%- endif -%}
        {%- if 'decimal_comma' in marks -%}{%- set text = _with_decimal_point(declaration, text) -%}{%- endif -%}
        {%- if column.get('implied_decimals') is not none -%}
            {%- set digits = _long_digits(given, column.implied_decimals) -%}
            {{ return('case when ' ~ digits.condition ~ ' then ' ~ digits.text ~ ' else ' ~ _with_decimal_mark(text, column.implied_decimals) ~ ' end') }}
        {%- endif -%}
        {%- set dollars -%}
            {%- if 'symbol' in marks %}
            when left({{ given }}, 1) = '$' and {{ _is_plain_amount(declaration, 'substr(' ~ given ~ ', 2)') }} and left({{ given }}, 2) <> '$-' and {{ _symbol_fits(given, 'given.' ~ column.currency) }}
                then substr({{ given }}, 2)
            {%- endif %}
        {%- endset -%}
        {{ return('case when ' ~ given ~ '__is_plain then ' ~ given ~ dollars ~ ' else (' ~ text ~ ') end') }}
    {%- endif -%}
    {%- if column.get('parts') and column.type == 'id' -%}
        {{ return(_joined_id(column.parts)) }}
    {%- endif -%}
    {%- if column.get('parts') -%}
        {%- set given = '(given.' ~ column.parts[0] ~ " || ' ' || coalesce(given." ~ column.parts[1] ~ ", ''))" -%}
        {{ return(_year_first_by_row(declaration, column, given)) }}
    {%- endif -%}
    {%- set text = _year_first_by_row(declaration, column, given) -%}
    {%- if column.type == 'date' -%}
        {# A date that is written as its midnight is a date. #}
        {%- set date = replace_pattern(text, '[T ]00:00(:00(\\.0+)?)?( UTC|Z)?$', '') -%}
        {{ return('case when length(' ~ given ~ ') = 10 and substr(' ~ given ~ ", 5, 1) = '-' then " ~ given ~ ' else ' ~ date ~ ' end') }}
    {%- endif -%}
    {{ return('case when ' ~ given ~ '__is_plain then ' ~ given ~ ' else ' ~ text ~ ' end') }}
{%- endmacro %}

{#
    Several columns as one id, null where one of them is: `S1 | 1001`. A bar inside a value is doubled, so that no two different ids become the same text.
#}
{% macro _joined_id(parts) -%}
    {%- set texts = [] -%}
    {%- for part in parts -%}{%- do texts.append("replace(given." ~ part ~ ", '|', '||')") -%}{%- endfor -%}
    {{ return('(' ~ (texts | join(" || ' | ' || ")) ~ ')') }}
{%- endmacro %}

{# An amount without the decorations that a feed allows. Whatever else stands there stays, so that it is refused. #}
{% macro _without_marks(text, marks) -%}
    {%- set undone = namespace(text=text) -%}
    {%- if 'unicode_minus' in marks -%}{%- set undone.text = "replace(" ~ undone.text ~ ", '\u2212', '-')" -%}{%- endif -%}
    {%- if 'dash_zero' in marks -%}{%- set undone.text = 'nullif(' ~ undone.text ~ ", '-')" -%}{%- endif -%}
    {%- if 'parentheses' in marks -%}{%- set undone.text = replace_pattern(undone.text, '^\\(([^()]+)\\)$', '-\\1') -%}{%- endif -%}
    {%- if 'trailing_minus' in marks -%}{%- set undone.text = replace_pattern(undone.text, '^([^-]*[0-9])-$', '-\\1') -%}{%- endif -%}
    {%- if 'symbol' in marks -%}{%- set undone.text = replace_pattern(undone.text, '^([+-]?)[$\u00a3\u20ac\u00a5]', '\\1') -%}{%- endif -%}
    {{ return(undone.text) }}
{%- endmacro %}

{#
    An amount whose comma can only be its decimal mark, with a point for it: one or two digits stand behind the comma, groups of three before it. What has the comma
    as its declared mark is read so anyway.
#}
{% macro _with_decimal_point(declaration, text) -%}
    {%- set only_so = matches(text, '[+-]?([0-9]+|[0-9]{1,3}(\\.[0-9]{3})+),[0-9]{1,2}') -%}
    {{ return('case when ' ~ _convention(declaration, 'decimal_mark') ~ " = '.' and " ~ only_so
        ~ ' then replace(replace(' ~ text ~ ", '.', ''), ',', '.') else " ~ text ~ ' end') }}
{%- endmacro %}

{# Whether the currency symbol in an amount, if there is one, can be that of its currency; many currencies are written with a dollar sign. #}
{% macro _symbol_fits(text, currency) -%}
    {%- set code = ascii_upper(currency) -%}
    {%- set conditions = [] -%}
    {%- for symbol, codes in [['\u20ac', "= 'EUR'"], ['\u00a3', "= 'GBP'"], ['\u00a5', "in ('JPY', 'CNY')"], ['$', "not in ('EUR', 'GBP', 'JPY', 'CNY')"]] -%}
        {%- do conditions.append("(position('" ~ symbol ~ "' in " ~ text ~ ') = 0 or ' ~ code ~ ' ' ~ codes ~ ')') -%}
    {%- endfor -%}
    {{ return(conditions | join(' and ')) }}
{%- endmacro %}

{# Digits with so many implied decimals as a text with its mark. A text that has a mark already gets a second one, and is refused. #}
{% macro _with_decimal_mark(text, decimals) -%}
    {%- if decimals == 0 -%}{{ return(replace_pattern(text, '\\.', '..')) }}{%- endif -%}
    {%- set padded = replace_pattern(text, '^([+-]?)([0-9]+)$', '\\1' ~ ('0' * decimals) ~ '\\2') -%}
    {{ return(replace_pattern(padded, '([0-9]{' ~ decimals ~ '})$', '.\\1')) }}
{%- endmacro %}

{# Digits alone, more of them than are implied, as nearly all are: the condition, and the text with its mark, without regular expressions. #}
{% macro _long_digits(text, decimals) -%}
    {{ return({
        'condition': text ~ '__is_plain and length(' ~ text ~ ') > ' ~ (decimals + 1) ~ " and position('.' in " ~ text ~ ') = 0' ~ ('' if decimals > 0 else ' and false'),
        'text': 'left(' ~ text ~ ', length(' ~ text ~ ') - ' ~ decimals ~ ") || '.' || right(" ~ text ~ ', ' ~ decimals ~ ')'
    }) }}
{%- endmacro %}

{# The same, in the shapes that hold for the row: an org or counterparty may have others than the feed. #}
{% macro _year_first_by_row(declaration, column, text) -%}
    {%- set otherwise = _year_first(text, column.get('formats') or []) -%}
    {%- set cases = [] -%}
    {%- for override in (declaration.get('overrides') or []) | reverse if override.get('formats') and column.get('formats') -%}
        {%- do cases.append('when ' ~ _override_applies(declaration, override) ~ ' then ' ~ _year_first(text, override.formats)) -%}
    {%- endfor -%}
    {{ return('(case ' ~ (cases | join(' ')) ~ ' else ' ~ otherwise ~ ' end)' if cases else otherwise) }}
{%- endmacro %}

{# A date, or the date in front of a time, as `YYYY-MM-DD`, where it has one of the declared shapes. #}
{% macro _year_first(text, formats) -%}
    {%- set shapes = {
        'DD.MM.YYYY': ['^([0-9]{1,2})\\.([0-9]{1,2})\\.([0-9]{4})', '\\3-0\\2-0\\1'],
        'MM/DD/YYYY': ['^([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})', '\\3-0\\1-0\\2'],
        'DD/MM/YYYY': ['^([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})', '\\3-0\\2-0\\1'],
        'YYYY/MM/DD': ['^([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})', '\\1-0\\2-0\\3']
    } -%}
    {%- set turned = namespace(text=text) -%}
    {%- for name in formats if name in shapes -%}
        {%- set turned.text = replace_pattern(turned.text, shapes[name][0] ~ '([T ]|$)', shapes[name][1] ~ '\\4') -%}
    {%- endfor -%}
    {%- if formats | select('in', shapes) | list == [] -%}{{ return(text) }}{%- endif -%}
    {# The zeros in front of month and day were for those of one digit. #}
    {%- set month = replace_pattern(turned.text, '^([0-9]{4})-0([0-9]{2})-', '\\1-\\2-') -%}
    {%- set day = replace_pattern(month, '^([0-9]{4}-[0-9]{2})-0([0-9]{2})([T ]|$)', '\\1-\\2\\3') -%}
    {# Nearly every text has its year in front already, whatever the feed accepts besides, or day and month with two digits each: its pieces are where they are. #}
    {%- set places = {
        'DD.MM.YYYY': ['.', 3, 6, 7, 4, 1], 'MM/DD/YYYY': ['/', 3, 6, 7, 1, 4], 'DD/MM/YYYY': ['/', 3, 6, 7, 4, 1], 'YYYY/MM/DD': ['/', 5, 8, 1, 6, 9]
    } -%}
    {%- set cases = [] -%}
    {%- for name in formats if name in places -%}
        {%- set mark, first, second, year, month_at, day_at = places[name] -%}
        {%- do cases.append(
            'when substr(' ~ text ~ ', ' ~ first ~ ", 1) = '" ~ mark ~ "' and substr(" ~ text ~ ', ' ~ second ~ ", 1) = '" ~ mark ~ "' and substr(" ~ text ~ ", 11, 1) in ('', ' ', 'T')"
            ~ ' then substr(' ~ text ~ ', ' ~ year ~ ", 4) || '-' || substr(" ~ text ~ ', ' ~ month_at ~ ", 2) || '-' || substr(" ~ text ~ ', ' ~ day_at ~ ', 2) || substr(' ~ text ~ ', 11)'
        ) -%}
    {%- endfor -%}
    {{ return('case when substr(' ~ text ~ ", 5, 1) = '-' then " ~ text ~ ' ' ~ (cases | join(' ')) ~ ' else ' ~ day ~ ' end') }}
{%- endmacro %}

{# A time, year first, with its clock in 24 hours and its offset right behind; and the fixed offset of its zone, if that is what it has. #}
{% macro _clocked(column) -%}
    {%- set name = column.name -%}
    {%- set clock = 'substr(' ~ name ~ ', 12)' -%}
    {%- set padded = replace_pattern(name, '^([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]):', '\\1 0\\2:') -%}
    {%- set near = replace_pattern(replace_pattern(padded, ' ([+-][0-9]{2}:?[0-9]{2})$', '\\1'), '([0-9]) UTC$', '\\1Z') -%}
    {%- set text -%}
        case
            when {{ name }}__is_plain then {{ name }}
            {#- The shape of most texts that are not plain, without regular expressions: a blank in front of the offset. #}
            when length({{ name }}) = 25 and substr({{ name }}, 20, 1) = ' ' and substr({{ name }}, 21, 1) in ('+', '-')
                then substr({{ name }}, 1, 19) || substr({{ name }}, 21)
            when right({{ name }}, 1) in ('m', 'M') and {{ matches(name, '[0-9]{4}-[0-9]{2}-[0-9]{2}[T ](0?[1-9]|1[0-2]):[0-5][0-9](:[0-5][0-9])? ?[AaPp][Mm]') }}
                then
                    substr({{ name }}, 1, 11)
                    || lpad(cast(
                        cast(split_part({{ clock }}, ':', 1) as integer) % 12 + case when right({{ name }}, 2) in ('PM', 'Pm', 'pM', 'pm') then 12 else 0 end as {{ type_text() }}
                    ), 2, '0')
                    || {{ replace_pattern(replace_pattern(clock, '^[0-9]+', ''), ' ?[AaPp][Mm]$', '') }}
            else {{ near }}
        end
    {%- endset -%}
    {%- if not _zone_column(column) -%}{{ return(text) }}{%- endif -%}
    {{ return('(' ~ text ~ ') || case when left(' ~ name ~ "__zone, 1) in ('+', '-') then " ~ name ~ "__zone else '' end") }}
{%- endmacro %}
