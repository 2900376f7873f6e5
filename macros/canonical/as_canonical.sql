{#
    End of a hand-written canonical model: its rows with all canonical columns in their order, typed, and their content hash. The CTE `records` has canonical columns
    under their names; those in `absent` it has not, and they are null.
#}
{% macro as_canonical(records, system, entity, absent=[]) -%}
    {%- set made = {'system': text_literal(system), 'entity': text_literal(entity), 'base_currency': text_literal(none)} -%}
    {%- set types = {
        'version': 'bigint', 'amount_minor': 'bigint', 'fee_minor': 'bigint', 'net_minor': 'bigint', 'base_amount_minor': 'bigint', 'row_number': 'bigint',
        'exponent': 'integer', 'event_at': 'timestamp', 'received_at': 'timestamp', 'business_date': 'date'
    } -%}
    {%- set columns = _canonical_columns() | reject('equalto', 'content_hash') | list -%}
    {%- set unknown = absent | reject('in', columns) | list -%}
    {%- do _fail('as_canonical in ' ~ (_model_name() if model is defined else '?'),
        ["absent: '" ~ (unknown | join("', '")) ~ "' is no canonical column that may be absent; there are " ~ (columns | join(', '))] if unknown else []) -%}
select
    records.*,
    {{ _content_hash('records') | indent(4) }} as content_hash
from (
    select
        {%- for name in columns %}
        {%- set value = made[name] if name in made else ('null' if name in absent or name == 'base_amount_minor' else records ~ '.' ~ name) %}
        {%- if name in ['amount_minor', 'net_minor'] and name not in absent %}
        {#- A sum may be more than any amount; it is unknown then, and fails what it is compared with. #}
        case when abs({{ value }}) < 4000000000000000000 then cast({{ value }} as bigint) end as {{ name }}{{ ',' if not loop.last }}
        {%- else %}
        cast({{ value }} as {{ types.get(name, type_text()) }}) as {{ name }}{{ ',' if not loop.last }}
        {%- endif %}
        {%- endfor %}
    from {{ records }}
) as records
{%- endmacro %}
