{#
    Per org and id of one side's rejected records: highest version read, latest receipt without a version, and the latest one as evidence. `with_receipts` adds when the
    live version of the record was last delivered, null unless a receipt without a version asks for it: what was told again since is not outdated by it.
#}
{% macro _rejections(side, with_receipts=false) -%}
    {%- if with_receipts %}
    select
        rejections.*,
        receipts.last_received_at
    from (
        {{ _rejections(side) | indent(4) }}
    ) as rejections
    left join (
        select
            records.org_id,
            records.activity_id,
            max(records.received_at) as last_received_at,
            row_number() over (partition by records.org_id, records.activity_id order by records.version desc) as place
        from {{ ref(side.records) }} as records
        inner join (
            select distinct
                rejected.org_id,
                rejected.record_id
            from {{ _rejected_records(side) }} as rejected
            where rejected.record_id is not null and rejected.record_version is null
        ) as unversioned
            on records.org_id = unversioned.org_id and records.activity_id = unversioned.record_id
        group by records.org_id, records.activity_id, records.version
    ) as receipts
        on rejections.org_id = receipts.org_id and rejections.record_id = receipts.activity_id and receipts.place = 1
    {%- else %}
    select
        ranked.org_id,
        ranked.record_id,
        max(ranked.record_version) as highest_version,
        max(case when ranked.record_version is null then ranked.received_at end) as unversioned_at,
        max(case when ranked.recency = 1 then ranked.batch_id end) as batch_id,
        max(case when ranked.recency = 1 then ranked.row_number end) as row_number
    from (
        select
            rejected.*,
            row_number() over (
                partition by rejected.org_id, rejected.record_id
                order by rejected.received_at desc, rejected.batch_id, rejected.row_number
            ) as recency
        from {{ _rejected_records(side) }} as rejected
        where rejected.record_id is not null
    ) as ranked
    group by ranked.org_id, ranked.record_id
    {%- endif %}
{%- endmacro %}

{# The rejected records of all feeds of a side, as something to select from. #}
{% macro _rejected_records(side) -%}
    {%- if side.feeds | length == 1 -%}{{ return(ref(_rejected_model(side.feeds[0]))) }}{%- endif -%}
    {%- set parts = [] -%}
    {%- for feed in side.feeds -%}
        {%- do parts.append('select org_id, batch_id, row_number, received_at, record_id, record_version from ' ~ ref(_rejected_model(feed))) -%}
    {%- endfor -%}
    {{ return('(' ~ parts | join('\n    union all\n    ') ~ ')') }}
{%- endmacro %}
