{#
    A number that stands for one record, the same within one engine and run: sums of it over two sets are equal when the sets are. A sum that another set
    reaches by chance is as rare as a collision of 64-bit hashes.
#}
{% macro record_fingerprint(batch_id, row_number) -%}
    {{ return(adapter.dispatch('record_fingerprint', 'tieout')(batch_id=batch_id, row_number=row_number)) }}
{%- endmacro %}

{% macro default__record_fingerprint(batch_id, row_number) -%}
    {{ exceptions.raise_compiler_error("record_fingerprint: no implementation for adapter '" ~ target.type ~ "'") }}
{%- endmacro %}

{% macro duckdb__record_fingerprint(batch_id, row_number) -%}
    hash({{ batch_id }}, {{ row_number }})
{%- endmacro %}

{% macro postgres__record_fingerprint(batch_id, row_number) -%}
    cast(hashtextextended({{ batch_id }}, {{ row_number }}) as numeric)
{%- endmacro %}

{% macro spark__record_fingerprint(batch_id, row_number) -%}
    xxhash64({{ batch_id }}, {{ row_number }})
{%- endmacro %}
