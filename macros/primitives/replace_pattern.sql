{#
    Text with what a pattern finds first replaced; unchanged where it finds nothing. The replacement may name groups as `\1` to `\9`. Patterns that stand at the start
    or the end (`^`, `$`) only: engines disagree about what comes after the first hit, and about what `.` and line ends are.
#}
{% macro replace_pattern(text, pattern, replacement) -%}
    {{ return(adapter.dispatch('replace_pattern', 'tieout')(text=text, pattern=pattern, replacement=replacement)) }}
{%- endmacro %}

{% macro default__replace_pattern(text, pattern, replacement) -%}
    {{ exceptions.raise_compiler_error("replace_pattern: no implementation for adapter '" ~ target.type ~ "'") }}
{%- endmacro %}

{% macro duckdb__replace_pattern(text, pattern, replacement) -%}
    regexp_replace({{ text }}, '{{ pattern | replace("'", "''") }}', '{{ replacement | replace("'", "''") }}')
{%- endmacro %}

{% macro postgres__replace_pattern(text, pattern, replacement) -%}
    regexp_replace({{ text }}, '{{ pattern | replace("'", "''") }}', '{{ replacement | replace("'", "''") }}')
{%- endmacro %}

{% macro spark__replace_pattern(text, pattern, replacement) -%}
    regexp_replace({{ text }}, r'{{ pattern | replace("'", "\\'") }}', '{{ modules.re.sub("\\\\([1-9])", "$\\1", replacement) | replace("'", "\\'") }}')
{%- endmacro %}
