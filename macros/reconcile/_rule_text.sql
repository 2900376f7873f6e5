{# The text of a rule as an auditor reads it, the same for the same declaration; its hash tells rule versions apart. #}
{% macro _rule_text(ladder, step, match=none, on_match=none) -%}
    {%- set checks = [] -%}
    {%- for name in ladder.checks -%}
        {%- set check = _check(name, ladder.attributes) -%}
        {%- do checks.append({'check': name, 'anomaly': _anomaly_of(ladder, name), 'passes': check.formula}) -%}
    {%- endfor -%}
    {%- set rule = {
        'stream': ladder.stream, 'ladder': ladder.name, 'step': step, 'source': ladder.source.spec, 'target': ladder.target.spec, 'checks': checks
    } -%}
    {%- if match is not none -%}
        {%- do rule.update({'match': match.shape, 'on': match.on, 'on_match': on_match}) -%}
        {%- if match.get('nets') -%}
            {%- do rule.update({'side': match.nets, 'between': match.between, 'sum_of': match.sum_of, 'without': match.without}) -%}
        {%- else -%}
        {%- do rule.update({'sum_of': match.sum_of, 'once_per': match.once_per} if match.many else {'within': match.within, 'max_pairs': match.max_pairs}) -%}
        {%- endif -%}
        {%- if match.get('pairs') -%}{%- do rule.update({'pairs': true}) -%}{%- endif -%}
        {%- if _is_business_window(match) -%}{%- do rule.update({'calendar': match.calendar}) -%}{%- endif -%}
    {%- endif -%}
    {%- if ladder.absent -%}{%- do rule.update({'absent': ladder.absent}) -%}{%- endif -%}
    {%- if ladder.one_system -%}{%- do rule.update({'one_system': true}) -%}{%- endif -%}
    {%- if ladder.excluded -%}{%- do rule.update({'excluded': ladder.excluded}) -%}{%- endif -%}
    {%- if ladder.orgs -%}{%- do rule.update({'orgs': ladder.orgs}) -%}{%- endif -%}
    {{ return(tojson(rule, sort_keys=true)) }}
{%- endmacro %}
