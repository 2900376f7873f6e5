{#
    Whether a text is a date and a time to the second or finer, as most systems write it: `YYYY-MM-DD[T ]HH:MM:SS[.ffffff][Z]`, from the year 0001 on, without
    blanks; false or null where it is not, and possibly where there is no such day.

    text: the text; moment: `try_timestamp` of it, whatever that made of it; may_be_local: whether it may do without the `Z`.
#}
{% macro plain_time(text, moment, may_be_local) -%}
    {{ return(adapter.dispatch('plain_time', 'tieout')(text=text, moment=moment, may_be_local=may_be_local)) }}
{%- endmacro %}

{% macro default__plain_time(text, moment, may_be_local) -%}
    {%- set year = '([1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])' -%}
    {{ return(matches(text, year ~ '-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?Z' ~ ('?' if may_be_local))) }}
{%- endmacro %}

{#
    A text that the moment itself is written as has the shape: no regular expression is needed. The lengths leave no room for years beyond 9999 or `infinity`, the
    first comparison none for years before 0001.
#}
{% macro duckdb__plain_time(text, moment, may_be_local) -%}
    case
        when {{ text }} < '0001' then false
        {%- if may_be_local %}
        when strlen({{ text }}) = 19 and cast({{ moment }} as varchar) = {{ text }} then true
        {%- endif %}
        when strlen({{ text }}) = 20 and strftime({{ moment }}, '%Y-%m-%dT%H:%M:%SZ') = {{ text }} then true
        else {{ default__plain_time(text, moment, may_be_local) }}
    end
{%- endmacro %}
