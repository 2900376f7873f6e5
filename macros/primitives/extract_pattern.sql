{#
    The first place of a text that fits a pattern, rewritten by a replacement that may name groups as `\1` to `\9`; null where none fits. All three are SQL
    expressions, so that rules can be data: what the pattern finds must fit it again by itself.
#}
{% macro extract_pattern(text, pattern, replacement) -%}
    {{ return(adapter.dispatch('extract_pattern', 'tieout')(text=text, pattern=pattern, replacement=replacement)) }}
{%- endmacro %}

{% macro default__extract_pattern(text, pattern, replacement) -%}
    {{ exceptions.raise_compiler_error("extract_pattern: no implementation for adapter '" ~ target.type ~ "'") }}
{%- endmacro %}

{% macro duckdb__extract_pattern(text, pattern, replacement) -%}
    case
        when regexp_matches({{ text }}, {{ pattern }})
            then regexp_replace(regexp_extract({{ text }}, {{ pattern }}), {{ pattern }}, {{ replacement }})
    end
{%- endmacro %}

{% macro postgres__extract_pattern(text, pattern, replacement) -%}
    regexp_replace((regexp_match({{ text }}, '(' || {{ pattern }} || ')'))[1], {{ pattern }}, {{ replacement }})
{%- endmacro %}

{% macro spark__extract_pattern(text, pattern, replacement) -%}
    case
        when {{ text }} rlike {{ pattern }}
            then regexp_replace(regexp_extract({{ text }}, {{ pattern }}, 0), {{ pattern }}, regexp_replace({{ replacement }}, r'\\([1-9])', r'$$$1'))
    end
{%- endmacro %}
