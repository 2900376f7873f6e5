{{ canonical_union(entity='processor/payouts', counterparty='records.system') }}
