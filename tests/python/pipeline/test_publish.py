"""The published copy: whole, atomic, and written only where something changed."""

from datetime import date
from pathlib import Path

import duckdb
import pytest
import yaml

from orchestration.data_dir import DataDir
from orchestration.environment import Place
from orchestration.errors import PublishError, UsageError
from orchestration.project import project_dir
from orchestration.publish import MARTS, publish
from orchestration.publish.copy import deciding
from orchestration.publish.parts import NO_DATE, Fingerprint, Key, Section, cut
from orchestration.warehouse import Column, connect_postgres, open_warehouse
from tests.python.laws.harness import on_postgres
from tests.python.pipeline import warehouses


@pytest.fixture
def data(data_dir: Path) -> DataDir:
    data = DataDir.at(data_dir)
    warehouses.make_duckdb(data.warehouse)
    return data


def published(data: DataDir, *, target: str = "duckdb", code: str = "", **limits: int) -> Path:
    with open_warehouse(Place(data, target, replay=False), data.root / ".tmp") as warehouse:
        return publish(data, warehouse, code=code, **limits)


def inodes(version: Path) -> dict[str, int]:
    return {file.name: file.stat().st_ino for file in (version / "marts").iterdir()}


def read(data: DataDir, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(data.published / "tieout.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_duckdb_and_parquet_say_the_same(data: DataDir) -> None:
    version = published(data)
    assert data.published.resolve() == version
    assert sorted(file.name for file in (version / "marts").iterdir()) == sorted(f"{mart}.parquet" for mart in MARTS)
    for mart in MARTS:
        table = read(data, f"select * from marts.{mart} order by 1")
        pattern = data.published / "marts" / f"{mart}*.parquet"
        assert duckdb.sql(f"select * from read_parquet('{pattern}') order by 1").fetchall() == table
    assert read(data, "select count(*) from marts.reconciliation_results") == [(1000,)]
    kinds = read(data, "select table_type from information_schema.tables where table_schema = 'marts'")
    assert set(kinds) == {("BASE TABLE",)}
    assert not (data.versions / "1" / "tieout.duckdb.wal").exists()


def test_nothing_changed_keeps_the_version(data: DataDir) -> None:
    assert published(data) == published(data) == data.versions / "1"


def test_only_what_changed_is_written_again(data: DataDir) -> None:
    first = published(data)
    before = inodes(first)
    warehouses.change(data.warehouse, "update marts.exceptions set a_text = 'other'")
    second = published(data)
    after = inodes(second)
    assert {name for name in before if before[name] != after[name]} == {"exceptions.parquet"}
    assert read(data, "select a_text from marts.exceptions") == [("other",)]


def test_evidence_counts_as_change_although_the_results_hash_does_not_see_it(data: DataDir) -> None:
    published(data)
    warehouses.change(
        data.warehouse, "update reconciliation.results set source_batch_id = 'later' where result_id = 'r7'"
    )
    published(data)
    query = "select source_batch_id from marts.reconciliation_results where result_id = 'r7'"
    assert read(data, query) == [("later",)]


def test_a_result_of_the_real_marts_is_known_by_its_hash_rule_and_evidence() -> None:
    """What a fingerprint leaves out must be determined by what it keeps; a new column counts."""
    declared = yaml.safe_load((project_dir() / "models" / "marts" / "_marts.yml").read_text(encoding="utf-8"))["models"]
    columns = {model["name"]: [Column(column["name"], "VARCHAR") for column in model["columns"]] for model in declared}
    assert deciding(columns["reconciliation_results"]) == [
        "ladder", "reason", "is_late", "late_by_seconds", "copy_ordinal", "is_conflicting", "source_event_at",
        "target_event_at", "last_received_at", "due_at", "rule_version", "source_batch_id", "source_row_number",
        "target_batch_id", "target_row_number", "rejected_batch_id", "rejected_row_number", "member_count",
        "base_currency", "source_base_minor", "target_base_minor", "source_rate", "source_rate_date",
        "source_rate_source", "target_rate", "target_rate_date", "target_rate_source", "attribute_differences",
        "base_difference_minor", "row_hash",
    ]  # fmt: skip
    for mart in MARTS[1:]:
        assert deciding(columns[mart]) == [column.name for column in columns[mart]]


def test_what_other_code_made_is_written_anew(data: DataDir) -> None:
    first = published(data, code="one")
    before = inodes(first)
    warehouses.change(
        data.warehouse,
        "create or replace view marts.reconciliation_results as"
        " select * replace ('new-' || result_id as result_id) from warehouse.reconciliation.results",
    )
    after = inodes(published(data, code="other"))
    assert all(before[name] != after[name] for name in before)
    assert read(data, "select min(result_id) from marts.reconciliation_results") == [("new-r0",)]


def test_a_large_mart_is_cut_by_date_and_only_touched_parts_are_written(data: DataDir) -> None:
    first = published(data, row_limit=500, part_rows=300)
    names = sorted(file.name for file in (first / "marts").glob("reconciliation_results*"))
    assert names == [
        "reconciliation_results.2026-03-04.parquet",
        "reconciliation_results.2026-03-07.parquet",
        "reconciliation_results.2026-03-10.parquet",
        "reconciliation_results.none.parquet",
    ]
    assert read(data, "select count(*), sum(row_hash) from marts.reconciliation_results") == [(1000, 499500)]
    # As a table it would be written twice.
    kind = "select table_type from information_schema.tables where table_name = 'reconciliation_results'"
    assert read(data, kind) == [("VIEW",)]
    before = inodes(first)
    warehouses.change(
        data.warehouse, "update reconciliation.results set is_late = true where business_date = '2026-03-05'"
    )
    after = inodes(published(data, row_limit=500, part_rows=300))
    assert {name for name in before if before[name] != after[name]} == {"reconciliation_results.2026-03-04.parquet"}
    assert read(data, "select count(*) from marts.reconciliation_results where is_late") == [(100,)]


def test_a_changed_column_is_written_everywhere(data: DataDir) -> None:
    published(data, row_limit=500)
    warehouses.change(
        data.warehouse,
        "create or replace view marts.reconciliation_results as select *, 1 as more"
        " from warehouse.reconciliation.results",
    )
    published(data, row_limit=500)
    assert read(data, "select count(more) from marts.reconciliation_results") == [(1000,)]


def test_a_mart_that_grows_beyond_the_limit_leaves_no_whole_file_behind(data: DataDir) -> None:
    published(data)
    version = published(data, row_limit=500, part_rows=300)
    assert not (version / "marts" / "reconciliation_results.parquet").exists()
    assert read(data, "select count(*) from marts.reconciliation_results") == [(1000,)]


def test_a_reader_keeps_what_it_opened_while_the_next_version_comes(data: DataDir) -> None:
    published(data, row_limit=500, part_rows=300)
    with duckdb.connect(str(data.published / "tieout.duckdb"), read_only=True) as reader:
        query = "select count(*), count(*) filter (where is_late) from marts.reconciliation_results"
        assert reader.execute(query).fetchall() == [(1000, 0)]
        warehouses.change(data.warehouse, "update reconciliation.results set is_late = true")
        published(data, row_limit=500, part_rows=300)
        assert reader.execute(query).fetchall() == [(1000, 0)]
    assert read(data, query) == [(1000, 1000)]


def test_the_last_three_versions_stay(data: DataDir) -> None:
    for number in range(5):
        warehouses.change(data.warehouse, f"update marts.exceptions set a_text = '{number}'")
        published(data)
    assert sorted(folder.name for folder in data.versions.iterdir()) == ["3", "4", "5"]
    assert read(data, "select a_text from marts.exceptions") == [("4",)]


def test_a_missing_mart_publishes_nothing(data: DataDir) -> None:
    first = published(data)
    warehouses.change(data.warehouse, "drop table marts.exceptions")
    with pytest.raises(PublishError, match=r"no marts\.exceptions"):
        published(data)
    assert data.published.resolve() == first


def test_what_a_crash_left_is_cleared_away(data: DataDir) -> None:
    published(data)
    leftover = data.versions / "2" / "marts"
    leftover.mkdir(parents=True)
    (leftover / "half.parquet").write_bytes(b"PAR1")
    warehouses.change(data.warehouse, "update marts.exceptions set a_text = 'other'")
    version = published(data)
    assert version.name == "2"
    assert not (version / "marts" / "half.parquet").exists()


def test_names_that_would_share_a_pattern_are_refused(data: DataDir) -> None:
    with (
        open_warehouse(Place(data, "duckdb", replay=False), data.root / ".tmp") as warehouse,
        pytest.raises(PublishError, match=r"exceptions\*\.parquet would also read exceptions_old"),
    ):
        publish(data, warehouse, marts=("exceptions", "exceptions_old"))


BY_DATE = Section("", "true", ("business_date",))
MATCHED = Section("", "result = 'MATCHED'", ("received_on", "business_date"))
OPEN = Section("open", "result <> 'MATCHED'", ("business_date",))


def days(*rows: int) -> dict[Key, Fingerprint]:
    return {(date(2026, 3, 1 + day),): Fingerprint(count, count) for day, count in enumerate(rows) if count}


def keys(by_key: dict[Key, Fingerprint], *before: int) -> list[str]:
    starts = [f"2026-03-{day:02}" for day in before]
    return [part.key[-2:] for part in cut(BY_DATE, by_key, starts, part_rows=20)]


def test_borders_stay_where_they_were() -> None:
    assert keys(days(5, 5)) == ["01"]
    assert keys(days(10, 10, 10, 10, 5)) == ["01", "03", "05"]
    # A new day joins the last range until it is full, then opens the next.
    assert keys(days(10, 10, 10, 10, 5, 5), 1, 3, 5) == ["01", "03", "05"]
    assert keys(days(10, 10, 10, 10, 5, 15, 1), 1, 3, 5) == ["01", "03", "05", "07"]
    # An early range may grow to twice its size before it is cut.
    assert keys(days(19, 10, 10, 10, 5), 1, 3, 5) == ["01", "03", "05"]
    assert keys(days(31, 10, 10, 10, 5), 1, 3, 5) == ["01", "02", "03", "05"]
    # Days before the first border come in front; a range that became empty goes.
    assert keys(days(5, 10, 0, 0, 5, 5), 2, 3, 5) == ["01", "02", "05"]


def test_parts_hold_every_row_once() -> None:
    by_key = {**days(10, 10, 10, 10, 5), (NO_DATE,): Fingerprint(3, 3)}
    parts = cut(BY_DATE, by_key, [], part_rows=20)
    assert sum(part.fingerprint.rows for part in parts) == 48
    assert [part.key for part in parts] == ["none", "2026-03-03", "2026-03-05"]
    with duckdb.connect() as connection:
        connection.execute(
            "create table rows as select unnest([date '2026-03-02', date '2026-03-03', null]) as business_date"
        )
        held = [connection.execute(f"select count(*) from rows where {part.where}").fetchone() for part in parts]
    assert held == [(2,), (1,), (0,)]


def test_what_is_open_is_kept_apart_from_what_is_settled() -> None:
    first, second = date(2026, 3, 1), date(2026, 3, 2)
    matched = {
        (first, first): Fingerprint(20, 1),
        (first, second): Fingerprint(10, 2),
        (second, first): Fingerprint(5, 3),
    }
    parts = cut(MATCHED, matched, [], part_rows=20)
    assert [part.key for part in parts] == ["2026-03-01.2026-03-01", "2026-03-01.2026-03-02"]
    # The borders of the one section are none of the other's.
    before = ["open.2026-03-01", *(part.key for part in parts)]
    assert [part.key for part in cut(MATCHED, matched, before, part_rows=20)] == before[1:]
    assert [part.key for part in cut(OPEN, days(5, 5), before, part_rows=20)] == ["open.2026-03-01"]
    values = [
        ("MATCHED", first, first),
        ("MATCHED", first, second),
        ("MATCHED", second, first),
        ("OPEN", second, first),
    ]
    with duckdb.connect() as connection:
        connection.execute("create table rows (result text, received_on date, business_date date)")
        connection.executemany("insert into rows values (?, ?, ?)", values)
        held = [connection.execute(f"select count(*) from rows where {part.where}").fetchone() for part in parts]
    assert held == [(1,), (2,)]


@pytest.mark.postgres
def test_postgres_keeps_every_type_and_text(data_dir: Path, postgres_database: dict[str, str]) -> None:
    data = DataDir.at(data_dir)
    small = warehouses.SMALL.replace("\n    select", "select").replace("\\n", "\n")
    on_postgres(
        postgres_database,
        "create schema marts",
        f"create table marts.reconciliation_results as {warehouses.RESULTS}",
        *(f"create table marts.{mart} as {small}" for mart in MARTS[1:]),
    )
    version = published(data, target="postgres", row_limit=500, part_rows=300)
    assert len(list((version / "marts").glob("reconciliation_results.*.parquet"))) == 4
    assert read(data, "select count(*), sum(row_hash) from marts.reconciliation_results") == [(1000, 499500)]
    with duckdb.connect() as expected:
        wanted = expected.sql(small)
        row, types = wanted.fetchall(), [str(kind) for kind in wanted.types]
    assert read(data, "select * from marts.exceptions") == row
    with duckdb.connect(str(data.published / "tieout.duckdb"), read_only=True) as reader:
        assert [str(kind) for kind in reader.sql("select * from marts.exceptions").types] == types
    assert published(data, target="postgres", row_limit=500, part_rows=300) == version


def test_postgres_that_cannot_be_reached_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIEOUT_PG_HOST", "127.0.0.1")
    monkeypatch.setenv("TIEOUT_PG_PORT", "1")
    with pytest.raises(UsageError, match=r"127\.0\.0\.1:1.*cannot be reached.*TIEOUT_PG_HOST"):
        connect_postgres()
