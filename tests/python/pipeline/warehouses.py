"""Hand-made warehouses: the five marts with the columns that the issue of the marts names, filled by SQL."""

from pathlib import Path

import duckdb

from orchestration.publish import MARTS

# One row for each i; 1000 rows spread over ten days, every hundredth without a date.
RESULTS = """
    select
        'r' || i as result_id,
        'acme' as org_id,
        'pos_oms_orders' as stream,
        case when i % 10 = 0 then 'MISMATCHED' else 'MATCHED' end as result,
        case when i % 100 = 99 then null else date '2026-03-01' + cast(i % 10 as integer) end as business_date,
        'EUR' as source_currency,
        'EUR' as target_currency,
        cast(i as bigint) as source_amount_minor,
        cast(i as bigint) as target_amount_minor,
        cast(0 as bigint) as difference_minor,
        false as is_late,
        'batch-' || (i % 3) as source_batch_id,
        cast(i as bigint) as row_hash
    from generate_series(0, 999) as t(i)
"""
SMALL = """
    select
        cast(1 as bigint) as a_bigint,
        cast(12.345 as decimal(18, 9)) as a_decimal,
        cast(-1 as decimal(38, 0)) as a_sum,
        timestamp '2026-03-01 10:00:00.123456' as a_time,
        date '2026-03-01' as a_date,
        true as a_boolean,
        cast(3 as integer) as an_integer,
        cast('comma, "quote"\nline' as varchar) as a_text,
        cast('' as varchar) as an_empty_text,
        cast(null as varchar) as a_null
"""


def make_duckdb(path: Path) -> Path:
    """A DuckDB warehouse."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts; create schema reconciliation")
        connection.execute(f"create table reconciliation.results as {RESULTS}")
        # As in the real one: a view, with the catalog's name written into it.
        connection.execute(
            f"create view marts.reconciliation_results as select * from {path.stem}.reconciliation.results"
        )
        for mart in MARTS[1:]:
            connection.execute(f"create table marts.{mart} as {SMALL}")
    return path


def change(path: Path, statement: str) -> None:
    """Change a warehouse as a build would."""
    with duckdb.connect(str(path)) as connection:
        connection.execute(statement)
