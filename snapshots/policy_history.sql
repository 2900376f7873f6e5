{% snapshot policy_history %}
{{ config(
    schema='audit', strategy='timestamp', unique_key='policy_key', updated_at='received_at', hard_deletes='ignore'
) }}
-- What orgs said of their policies, as it was from run to run.
select
    md5({{ joined_text(['org_id', 'stream', 'counterparty_id', 'valid_from']) }}) as policy_key,
    org_id,
    stream,
    counterparty_id,
    valid_from,
    {%- for field in policy_fields() %}
    {{ field }},
    {%- endfor %}
    source_file,
    received_at,
    batch_id,
    row_number
from {{ ref('policy_statements') }}
where is_effective
{% endsnapshot %}
