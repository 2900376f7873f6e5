{{ canonical_union(
    entity='processor/legs',
    where="records.activity_type not in ('PAYOUT', 'IGNORED')",
    counterparty='records.system'
) }}
