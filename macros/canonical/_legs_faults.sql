{# The kinds of legs; `IGNORED` is one of records only. #}
{% macro _leg_kinds() -%}
    {{ return([
        'CHARGE', 'REFUND', 'FEE', 'FEE_TAX', 'CHARGEBACK', 'CHARGEBACK_REVERSAL', 'RESERVE_HOLD', 'RESERVE_RELEASE', 'ADJUSTMENT', 'CURRENCY_CONVERSION', 'PAYOUT',
        'ROLLING_BALANCE', 'DEPOSIT', 'WITHDRAWAL'
    ]) }}
{%- endmacro %}

{# What is wrong with a call of `canonical_legs`, as far as it can be told while dbt parses. #}
{% macro _legs_faults(feed, columns, legs) -%}
    {%- set faults = [] -%}
    {%- set allowed = [
        'activity_id', 'id_parts', 'counterparty_id', 'order_ref', 'payment_ref', 'batch_ref', 'description', 'currency', 'event_at', 'version'
    ] -%}
    {%- if feed not in var('feeds') -%}
        {%- do faults.append("feed: '" ~ feed ~ "' is not registered; vars.feeds of dbt_project.yml has " ~ (var('feeds') | join(', '))) -%}
    {%- endif -%}
    {%- set expected = 'legs_' ~ feed | replace('/', '__') -%}
    {%- if model is defined and _model_name() != expected -%}
        {%- do faults.append("feed: '" ~ feed ~ "' makes the model's name '" ~ expected ~ "', but the file is '" ~ _model_name() ~ "'") -%}
    {%- endif -%}
    {%- set given = columns if columns is mapping else {} -%}
    {%- if columns is not mapping -%}
        {%- do faults.append("columns: give a mapping of canonical to staged columns; got '" ~ columns ~ "'") -%}
    {%- else -%}
        {%- for name in ['currency', 'event_at'] if not given.get(name) -%}
            {%- do faults.append("columns: '" ~ name ~ "' is missing; required are currency, event_at and activity_id or id_parts") -%}
        {%- endfor -%}
        {%- if (given.get('activity_id') is none) == (given.get('id_parts') is none) -%}
            {%- do faults.append("columns: give either activity_id or id_parts; got " ~ ('both' if given.get('id_parts') else 'neither')) -%}
        {%- endif -%}
    {%- endif -%}
    {%- for name, staged in given.items() -%}
        {%- if name not in allowed -%}
            {%- do faults.append("columns: '" ~ name ~ "' is none that a leg takes from its record; allowed are " ~ (allowed | join(', '))) -%}
        {%- elif not _staged_names(staged) or (name == 'id_parts' and staged is string) -%}
            {%- do faults.append("columns: '" ~ name ~ "' takes " ~ ('a list of columns' if name == 'id_parts' else 'a column, or a list of columns or lists of them') ~ "; got '" ~ staged ~ "'") -%}
        {%- elif name == 'version' and staged is not string -%}
            {%- do faults.append("columns: 'version' takes one column; got '" ~ staged ~ "'") -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if legs is string or legs is mapping or legs is not sequence or not legs -%}
        {%- do faults.append("legs: give a list of one or more {'amount': ..., 'sign': ..., 'kind': ..., 'suffix': ..., 'optional': ...}; got '" ~ legs ~ "'") -%}
    {%- else -%}
        {%- set suffixes = [] -%}
        {%- for leg in legs -%}
            {%- do faults.extend(_leg_faults('legs[' ~ loop.index0 ~ ']', leg, loop.first, suffixes)) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(faults) }}
{%- endmacro %}

{# What is wrong with one leg. `suffixes` gathers those of the legs before it. #}
{% macro _leg_faults(where, leg, is_first, suffixes) -%}
    {%- set faults = [] -%}
    {%- if leg is not mapping -%}
        {{ return([where ~ ": give {'amount': ..., 'sign': ..., 'kind': ..., 'suffix': ..., 'optional': ...}; got '" ~ leg ~ "'"]) }}
    {%- endif -%}
    {%- for name in leg if name not in ['amount', 'sign', 'kind', 'suffix', 'optional'] -%}
        {%- do faults.append(where ~ ": '" ~ name ~ "' is no part of a leg; allowed are amount, sign, kind, suffix, optional") -%}
    {%- endfor -%}
    {%- set amount = leg.get('amount') -%}
    {%- if not amount or amount is mapping or (amount is not string and (amount is not sequence or amount | reject('string') | list)) -%}
        {%- do faults.append(where ~ ".amount: give an amount column or a list of them, '-' in front of one that is taken off; got '" ~ amount ~ "'") -%}
    {%- endif -%}
    {%- if leg.get('sign', 1) not in [1, -1] -%}
        {%- do faults.append(where ~ ".sign: allowed are 1 and -1; got '" ~ leg.sign ~ "'") -%}
    {%- endif -%}
    {%- if leg.get('kind') is not none and leg.kind not in _leg_kinds() -%}
        {%- do faults.append(where ~ ".kind: allowed are " ~ (_leg_kinds() | join(', ')) ~ "; got '" ~ leg.kind ~ "'") -%}
    {%- endif -%}
    {%- if not is_first and not leg.get('kind') -%}
        {%- do faults.append(where ~ ".kind: only the first leg takes the kind of its record; give one of " ~ (_leg_kinds() | join(', '))) -%}
    {%- endif -%}
    {%- if leg.get('optional', true) is not sameas true or (leg.get('optional') and not is_first) -%}
        {%- do faults.append(where ~ ".optional: allowed is true, on the first leg (the further ones always are); got '" ~ leg.optional ~ "'") -%}
    {%- endif -%}
    {%- set suffix = leg.get('suffix') -%}
    {%- if is_first and suffix is not none -%}
        {%- do faults.append(where ~ ".suffix: the first leg has the id of its record; got '" ~ suffix ~ "'") -%}
    {%- elif not is_first and (suffix is not string or not modules.re.fullmatch('[a-z][a-z0-9_]*', suffix) or suffix in suffixes) -%}
        {%- do faults.append(where ~ ".suffix: give lower-case letters, digits and underscores, for each leg others; got '" ~ suffix ~ "'") -%}
    {%- endif -%}
    {%- do suffixes.append(suffix) -%}
    {{ return(faults) }}
{%- endmacro %}

{# The columns that a mapping names: one, a list, or a list with lists in it; none where it is something else. #}
{% macro _staged_names(staged) -%}
    {%- if staged is string -%}{{ return([staged] if staged else []) }}{%- endif -%}
    {%- if staged is mapping or staged is not sequence -%}{{ return([]) }}{%- endif -%}
    {%- set names = [] -%}
    {%- for one in staged -%}
        {%- set found = [one] if one is string else ([] if one is mapping or one is not sequence or one | reject('string') | list else one) -%}
        {%- if not found -%}{{ return([]) }}{%- endif -%}
        {%- do names.extend(found) -%}
    {%- endfor -%}
    {{ return(names) }}
{%- endmacro %}

{# What a call says of staged columns that the feed does not have. Known only once dbt's graph is: not while it parses. #}
{% macro _legs_mapping_faults(feed, declaration, columns, legs) -%}
    {%- set faults = [] -%}
    {%- set allowed = {
        'currency': ['currency'], 'event_at': ['time', 'date'], 'version': ['integer', 'time'],
        'id_parts': ['id', 'text', 'currency', 'amount', 'time', 'date', 'integer']
    } -%}
    {%- for name, staged in columns.items() -%}
        {%- set is_joined = staged is not string and staged | reject('string') | list -%}
        {%- set types = allowed.get(name, ['id', 'text'] + (['currency', 'date'] if is_joined else [])) -%}
        {%- set possible = declaration.columns | selectattr('type', 'in', types) | map(attribute='name') | list -%}
        {%- for column in _staged_names(staged) -%}
            {%- if column not in possible -%}
                {%- do faults.append("columns: '" ~ name ~ "' is mapped to '" ~ column ~ "', which is no column of feed '" ~ feed ~ "' that it can take; there are "
                    ~ (possible | join(', '))) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set amounts = declaration.columns | selectattr('type', 'equalto', 'amount') | map(attribute='name') | list -%}
    {%- for leg in legs -%}
        {%- set number = loop.index0 -%}
        {%- for name in _amount_names(leg) if name not in amounts -%}
            {%- do faults.append('legs[' ~ number ~ "].amount: '" ~ name ~ "' is no amount of feed '" ~ feed ~ "'; there are " ~ (amounts | join(', '))) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if not legs[0].get('kind') and not declaration.get('kind_columns') -%}
        {%- do faults.append("legs[0].kind: feed '" ~ feed ~ "' has no kind_columns that would tell it; give one of " ~ (_leg_kinds() | join(', '))) -%}
    {%- endif -%}
    {{ return(faults) }}
{%- endmacro %}
