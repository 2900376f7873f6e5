{# Every fault of a ladder's declaration, as texts for people. #}
{% macro _ladder_faults(ladder) -%}
    {%- set faults = [] -%}
    {%- for role in ['source', 'target'] -%}
        {%- if ladder[role] is none -%}
            {%- do faults.append("ladder '" ~ ladder.name ~ "': " ~ role ~ " must be '<system>/<entity>' of a canonical model, such as 'pos/orders'; got '" ~ (ladder.given.get(role) | string) ~ "'") -%}
        {%- elif ladder[role].system is not none and ladder[role].spec not in var('feeds') -%}
            {%- do faults.append("ladder '" ~ ladder.name ~ "': " ~ role ~ " '" ~ ladder[role].spec ~ "' is no registered feed; vars.feeds has " ~ (var('feeds') | join(', '))) -%}
        {%- else -%}
            {%- for feed in ladder[role].feeds if feed not in var('feeds') -%}
                {%- do faults.append("ladder '" ~ ladder.name ~ "': " ~ role ~ " '" ~ ladder[role].spec ~ "' is made of '" ~ feed ~ "' (vars.entities), which is no registered feed; vars.feeds has " ~ (var('feeds') | join(', '))) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set lists = {} -%}
    {%- for key in ['checks', 'steps', 'carries'] -%}
        {%- if ladder[key] is string or ladder[key] is mapping or ladder[key] is not sequence -%}
            {%- do faults.append("ladder '" ~ ladder.name ~ "': " ~ key ~ " must be a list of names; got '" ~ (ladder[key] | string) ~ "'") -%}
        {%- else -%}
            {%- do lists.update({key: ladder[key]}) -%}
            {%- for name in ladder[key] | unique if ladder[key] | select('equalto', name) | list | length > 1 -%}
                {%- do faults.append("ladder '" ~ ladder.name ~ "': " ~ key ~ " has '" ~ name ~ "' twice; name each once") -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set known = _check_names() -%}
    {%- for check in lists.get('checks', []) if check not in known -%}
        {%- do faults.append("ladder '" ~ ladder.name ~ "': check '" ~ check ~ "' does not exist; allowed are " ~ (known | join(', '))) -%}
    {%- endfor -%}
    {%- for check, anomaly in ladder.anomaly_of.items() if anomaly is not string or not modules.re.fullmatch('[A-Z][A-Z0-9_]*', anomaly) -%}
        {%- do faults.append("ladder '" ~ ladder.name ~ "': check '" ~ check ~ "': give its anomaly as a code in capitals; got '" ~ (anomaly | string) ~ "'") -%}
    {%- endfor -%}
    {%- if ladder.absent is not mapping -%}
        {%- do faults.append("ladder '" ~ ladder.name ~ "': absent must map source and target to anomaly codes; got '" ~ (ladder.absent | string) ~ "'") -%}
    {%- else -%}
        {%- for role, anomaly in ladder.absent.items() if role not in ['source', 'target'] or anomaly is not string or not modules.re.fullmatch('[A-Z][A-Z0-9_]*', anomaly) -%}
            {%- do faults.append("ladder '" ~ ladder.name ~ "': absent must map source and target to anomaly codes in capitals; got '" ~ role ~ "': '" ~ (anomaly | string) ~ "'") -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if ladder.excluded is not mapping -%}
        {%- do faults.append("ladder '" ~ ladder.name ~ "': excluded must map source and target to {when: condition, reason: CODE}; got '" ~ (ladder.excluded | string) ~ "'") -%}
    {%- else -%}
        {%- for role, rule in ladder.excluded.items() if role not in ['source', 'target'] or rule is not mapping or rule.keys() | sort != ['reason', 'when'] or not modules.re.fullmatch('[A-Z][A-Z0-9_]*', rule.reason | string) -%}
            {%- do faults.append("ladder '" ~ ladder.name ~ "': excluded must map source and target to {when: condition, reason: CODE}; got '" ~ role ~ "': '" ~ (rule | string) ~ "'") -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if ladder.one_system is not boolean or (ladder.one_system and (ladder.source.system is not none or ladder.target.system is not none)) -%}
        {%- do faults.append("ladder '" ~ ladder.name ~ "': one_system must be true or false, and true only where both sides have records of several systems; got '" ~ (ladder.one_system | string) ~ "'") -%}
    {%- endif -%}
    {%- if ladder.hourly_window is not none and (ladder.hourly_window is not integer or ladder.hourly_window < 1) -%}
        {%- do faults.append("ladder '" ~ ladder.name ~ "': hourly_window of stream '" ~ ladder.stream ~ "' must be a whole number of hours, 1 or more; got '" ~ (ladder.hourly_window | string) ~ "'") -%}
    {%- endif -%}
    {%- do faults.extend(_orgs_faults(ladder.stream, ladder.orgs)) -%}
    {%- do faults.extend(_attribute_faults(ladder)) -%}
    {%- set faults_of_subset = _subset_faults(ladder.subset, ladder) -%}
    {%- do faults.extend(faults_of_subset) -%}
    {%- if not ladder.steps -%}
        {%- do faults.append("ladder '" ~ ladder.name ~ "': steps is empty; name at least one step") -%}
    {%- endif -%}
    {%- for column in lists.get('carries', []) if column not in _canonical_columns() -%}
        {%- do faults.append("ladder '" ~ ladder.name ~ "': carries '" ~ column ~ "' is no canonical column; allowed are " ~ (_canonical_columns() | join(', '))) -%}
    {%- endfor -%}
    {{ return(faults) }}
{%- endmacro %}

{# The faults of a ladder's search for subsets. The bounds are hard: beyond them luck explains what is found. #}
{% macro _subset_faults(subset, ladder) -%}
    {%- set faults = [] -%}
    {%- set where = "ladder '" ~ ladder.name ~ "': subset." -%}
    {%- set known = ['enabled', 'lambda_max', 'many', 'max_pool', 'max_size', 'on'] -%}
    {%- for key in subset if key not in known -%}
        {%- do faults.append(where ~ key ~ ' is not known; allowed are ' ~ (known | join(', '))) -%}
    {%- endfor -%}
    {%- if subset.enabled is not boolean -%}
        {%- do faults.append(where ~ "enabled must be true or false; got '" ~ (subset.enabled | string) ~ "'") -%}
    {%- endif -%}
    {%- if subset.many not in ['source', 'target'] -%}
        {%- do faults.append(where ~ "many must be source or target, the side of which several make one; got '" ~ (subset.many | string) ~ "'") -%}
    {%- endif -%}
    {%- if subset.on is string or subset.on is not sequence or 'currency' not in subset.on -%}
        {%- do faults.append(where ~ "on must be a list of canonical columns, currency among them: amounts of different currencies are never added; got '" ~ (subset.on | string) ~ "'") -%}
    {%- endif -%}
    {%- for key, least, most in [['max_pool', 2, 40], ['max_size', 2, 4]] if subset[key] is not integer or subset[key] < least or subset[key] > most -%}
        {%- do faults.append(where ~ key ~ ' must be a whole number of ' ~ least ~ ' to ' ~ most ~ "; got '" ~ (subset[key] | string) ~ "'") -%}
    {%- endfor -%}
    {%- if subset.lambda_max is not number or subset.lambda_max <= 0 or subset.lambda_max > 1 -%}
        {%- do faults.append(where ~ "lambda_max must be a number above 0 and up to 1; got '" ~ (subset.lambda_max | string) ~ "'") -%}
    {%- endif -%}
    {{ return(faults) }}
{%- endmacro %}
