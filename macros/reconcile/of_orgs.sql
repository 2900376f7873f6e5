{#
    Condition that a record is of an org that a stream serves, with its `and` in front. Nothing at all where the stream serves every org whose feeds arrive, which it
    does unless it names some (`orgs` of the registry): nobody pays for a condition that is always true.

    stream: name of a stream in the registry; org: the column or expression that holds the record's org; after: the word in front, 'and' or 'where'.
#}
{% macro of_orgs(stream, org, after='and') -%}
    {%- set orgs = _named_orgs(stream) -%}
    {{ return('' if orgs is none else ' ' ~ after ~ ' ' ~ _is_one_of(org, orgs)) }}
{%- endmacro %}

{#
    The same for rows of several streams, or of several ladders, which name theirs in `name`. A row of a stream that names no orgs is always served.
#}
{% macro _of_their_orgs(name, org, by='stream', after='and') -%}
    {%- set cases = [] -%}
    {%- for stream, declared in var('streams').items() if _named_orgs(stream) is not none -%}
        {%- for each in ([stream] if by == 'stream' else declared.ladders) -%}
            {%- do cases.append(" when '" ~ each ~ "' then " ~ _is_one_of(org, _named_orgs(stream))) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return('' if not cases else ' ' ~ after ~ ' case ' ~ name ~ cases | join('') ~ ' else true end') }}
{%- endmacro %}

{# The branch of a `case` that rejects what an org says of a stream that serves others; nothing where no stream names orgs. #}
{% macro _unserved(name, org) -%}
    {%- set condition = _of_their_orgs(name, org, after='when not') -%}
    {{ return('' if not condition else '\n' ~ condition.strip() ~ " then 'stream: serves_other_orgs'") }}
{%- endmacro %}

{# The orgs that a stream names; none where it names none, or names them in a way that `_orgs_faults` refuses. #}
{% macro _named_orgs(stream) -%}
    {%- set orgs = _given_orgs(var('streams').get(stream) or {}) -%}
    {{ return(none if _orgs_faults(stream, orgs) else orgs) }}
{%- endmacro %}

{# What a stream's declaration says of its orgs; none where it says nothing, which a key without a value is not. #}
{% macro _given_orgs(declared) -%}
    {{ return((declared.orgs or '') if 'orgs' in declared else none) }}
{%- endmacro %}

{% macro _is_one_of(org, orgs) -%}
    {%- set texts = [] -%}
    {%- for each in orgs -%}{%- do texts.append(text_literal(each)) -%}{%- endfor -%}
    {{ return(org ~ ' in (' ~ texts | join(', ') ~ ')') }}
{%- endmacro %}

{# Every fault of the orgs that a stream names, as texts for people. #}
{% macro _orgs_faults(stream, orgs) -%}
    {%- set faults = [] -%}
    {%- set where = "stream '" ~ stream ~ "': orgs " -%}
    {%- if orgs is none -%}
    {%- elif orgs is string or orgs is mapping or orgs is not sequence or not orgs -%}
        {%- do faults.append(where ~ "must be a list of one or more org ids, such as [acme]; leave it out to serve every org; got '" ~ (orgs | string) ~ "'") -%}
    {%- else -%}
        {%- for org in orgs if org is not string or org.strip() == '' -%}
            {%- do faults.append(where ~ "must be texts that are not empty (a number wants quotes); got '" ~ (org | string) ~ "'") -%}
        {%- endfor -%}
        {%- for org in orgs | select('string') | unique(case_sensitive=true) if orgs | select('equalto', org) | list | length > 1 -%}
            {%- do faults.append(where ~ "has '" ~ org ~ "' twice; name each once") -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(faults) }}
{%- endmacro %}
