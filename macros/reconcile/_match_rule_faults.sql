{# Every fault of a step's match rule, as texts for people. #}
{% macro _match_rule_faults(ladder, match) -%}
    {%- if match is not mapping or match.get('_is') != 'match_rule' -%}
        {{ return(["match: give a match rule such as one_to_one(on=['activity_id']); got '" ~ (match | string) ~ "', which no match rule made (a misspelt name passes dbt silently)"]) }}
    {%- endif -%}
    {%- set faults = [] -%}
    {%- set is_list = ladder.carries is sequence and ladder.carries is not string and ladder.carries is not mapping -%}
    {%- set columns = _record_columns(dict(ladder, carries=ladder.carries if is_list else [])) -%}
    {%- if match.on is string or match.on is not sequence or not match.on -%}
        {%- do faults.append("match.on: give a list of one or more canonical columns; got '" ~ (match.on | string) ~ "'") -%}
    {%- else -%}
        {%- for column in match.on if column not in columns -%}
            {%- do faults.append("match.on: '" ~ column ~ "' is not kept by this ladder; allowed are " ~ (columns | join(', ')) ~ " (add others to the ladder's `carries`)") -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if ladder.hourly_window is not none -%}
        {%- if match.shape != 'one_to_one' -%}
            {%- do faults.append("match: stream '" ~ ladder.stream ~ "' knows modes (hourly_window), which only one_to_one can hold records back for; got " ~ match.shape) -%}
        {%- endif -%}
        {%- if match.on is sequence and match.on is not string and 'activity_id' not in match.on and 'counterparty_id' not in match.on -%}
            {%- do faults.append("match.on: name activity_id or counterparty_id: in a stream that knows modes (hourly_window) a block must not mix counterparties") -%}
        {%- endif -%}
    {%- endif -%}
    {%- if match.shape == 'reversal_pairs' -%}
        {{ return(faults + _reversal_faults(match, columns)) }}
    {%- endif -%}
    {%- if match.many -%}
        {%- if match.sum_of not in ['amount_minor', 'net_minor'] -%}
            {%- do faults.append("match.sum_of: give amount_minor or net_minor; got '" ~ (match.sum_of | string) ~ "'") -%}
        {%- elif match.sum_of not in columns -%}
            {%- do faults.append("match.sum_of: '" ~ match.sum_of ~ "' is not kept by this ladder; add it to the ladder's `carries`") -%}
        {%- endif -%}
        {%- if match.on is sequence and match.on is not string and 'currency' not in match.on -%}
            {%- do faults.append("match.on: name currency too: amounts of different currencies are never added") -%}
        {%- endif -%}
        {%- if match.once_per is not none and (match.once_per is string or match.once_per is mapping or match.once_per is not sequence or match.once_per | length != 2) -%}
            {%- do faults.append("match.once_per: give two canonical columns, [fact, place]; got '" ~ (match.once_per | string) ~ "'") -%}
        {%- elif match.once_per is not none -%}
            {%- for column in match.once_per if column not in columns -%}
                {%- do faults.append("match.once_per: '" ~ column ~ "' is not kept by this ladder; allowed are " ~ (columns | join(', ')) ~ " (add others to the ladder's `carries`)") -%}
            {%- endfor -%}
        {%- endif -%}
        {%- if match.pairs is not boolean -%}
            {%- do faults.append("match.pairs: give true or false; got '" ~ (match.pairs | string) ~ "'") -%}
        {%- elif match.pairs and (match.sum_of != 'amount_minor' or match.once_per is not none) -%}
            {%- do faults.append("match.pairs: a pair is judged by its amounts; leave out sum_of and once_per, or leave out pairs") -%}
        {%- endif -%}
        {{ return(faults) }}
    {%- endif -%}
    {%- if match.within is not none -%}
        {%- if match.within is not mapping or (match.within.keys() | list) not in [['event_at'], ['business_date']] -%}
            {%- do faults.append("match.within: give {'event_at': '<n> seconds|minutes|hours|days'} or {'business_date': '<a> to <b> business days'}; got '" ~ (match.within | string) ~ "'") -%}
        {%- elif 'business_date' in match.within -%}
            {%- if _window_business_days(match.within['business_date']) is none -%}
                {%- do faults.append("match.within.business_date: give '<a> to <b> business days' with a no more than b, such as '0 to 5 business days'; got '" ~ (match.within['business_date'] | string) ~ "'") -%}
            {%- endif -%}
            {%- if match.calendar is not string or not modules.re.fullmatch('[A-Za-z0-9_]+', match.calendar) -%}
                {%- do faults.append("match.calendar: give a calendar of the seed `holidays`, such as 'weekdays'; got '" ~ (match.calendar | string) ~ "'") -%}
            {%- endif -%}
        {%- elif _window_seconds(match.within['event_at']) is none -%}
            {%- do faults.append("match.within.event_at: give '<n> seconds|minutes|hours|days' with n of 1 or more; got '" ~ (match.within['event_at'] | string) ~ "'") -%}
        {%- endif -%}
    {%- endif -%}
    {%- if match.max_pairs is not integer or match.max_pairs < 1 -%}
        {%- do faults.append("match.max_pairs: give a whole number of 1 or more; got '" ~ (match.max_pairs | string) ~ "'") -%}
    {%- endif -%}
    {{ return(faults) }}
{%- endmacro %}

{# '0 to 5 business days' as [0, 5]; none when it is no such text. #}
{% macro _window_business_days(text) -%}
    {%- set found = modules.re.fullmatch('(-?[0-9]{1,3}) to (-?[0-9]{1,3}) business days', text | string) -%}
    {%- if not found or (found.group(1) | int) > (found.group(2) | int) -%}{{ return(none) }}{%- endif -%}
    {{ return([found.group(1) | int, found.group(2) | int]) }}
{%- endmacro %}

{# Whether a rule's window counts business days. #}
{% macro _is_business_window(match) -%}
    {{ return(match.within is mapping and 'business_date' in match.within) }}
{%- endmacro %}

{# '15 minutes' as 900; none when it is no such text. #}
{% macro _window_seconds(text) -%}
    {%- set found = modules.re.fullmatch('([1-9][0-9]*) (second|minute|hour|day)s?', text | string) -%}
    {%- if not found -%}{{ return(none) }}{%- endif -%}
    {{ return((found.group(1) | int) * {'second': 1, 'minute': 60, 'hour': 3600, 'day': 86400}[found.group(2)]) }}
{%- endmacro %}

{# The faults of a rule of reversals beyond its keys. #}
{% macro _reversal_faults(match, columns) -%}
    {%- set faults = [] -%}
    {%- if match.nets not in ['source', 'target'] -%}
        {%- do faults.append("match.side: give source or target; got '" ~ (match.nets | string) ~ "'") -%}
    {%- endif -%}
    {%- if match.on is sequence and match.on is not string and 'currency' not in match.on -%}
        {%- do faults.append("match.on: name currency too: amounts of different currencies are never added") -%}
    {%- endif -%}
    {%- if match.sum_of not in ['amount_minor', 'net_minor'] or match.sum_of not in columns -%}
        {%- do faults.append("match.sum_of: give amount_minor or net_minor, and have the ladder keep it (`carries`); got '" ~ (match.sum_of | string) ~ "'") -%}
    {%- endif -%}
    {%- set pair = (match.between.items() | list) if match.between is mapping else [] -%}
    {%- if pair | length != 1 or pair[0][0] not in columns or pair[0][1] is string or pair[0][1] is not sequence or pair[0][1] | unique | list | length != 2 -%}
        {%- do faults.append("match.between: give one column that the ladder keeps and the two values that tell a record from its reversal, such as {'activity_type': ['CHARGE', 'REFUND']}; got '"
            ~ (match.between | string) ~ "'") -%}
    {%- endif -%}
    {%- if match.without is string or match.without is not sequence -%}
        {%- do faults.append("match.without: give a list of canonical columns; got '" ~ (match.without | string) ~ "'") -%}
    {%- else -%}
        {%- for column in match.without if column not in columns -%}
            {%- do faults.append("match.without: '" ~ column ~ "' is not kept by this ladder; allowed are " ~ (columns | join(', ')) ~ " (add others to the ladder's `carries`)") -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(faults) }}
{%- endmacro %}
