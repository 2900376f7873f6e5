"""The engine that the files of a landing share."""

from pathlib import Path

import duckdb
import pytest

from orchestration.landing.engine import shared

MARK = "select count(*) from duckdb_views() where view_name = 'mark'"


def is_the_same_engine_as(work_dir: Path) -> bool:
    with shared(work_dir) as session:
        return session.execute(MARK).fetchone() == (1,)


def mark_engine_of(work_dir: Path) -> None:
    with shared(work_dir) as session:
        session.execute("create view mark as select 1")


def test_files_of_a_landing_share_it_and_nothing_of_a_file_stays(tmp_path: Path) -> None:
    mark_engine_of(tmp_path / "file-1")
    with shared(tmp_path / "file-2") as session:
        session.execute("create temp table of_this_file as select 1 as n")
        session.register("bad", session.sql("select 2 as n").to_arrow_table())
        assert session.execute("select n from bad").fetchone() == (2,)
    with shared(tmp_path / "file-3") as session:
        assert session.execute(MARK).fetchone() == (1,)
    for table in ("of_this_file", "bad"):
        with pytest.raises(duckdb.CatalogException), shared(tmp_path / "file-4") as session:
            session.execute(f"from {table}")


def test_another_landing_has_its_own(tmp_path: Path) -> None:
    mark_engine_of(tmp_path / "one" / "file-1")
    assert not is_the_same_engine_as(tmp_path / "other" / "file-1")


def test_a_file_on_which_it_failed_takes_it_along(tmp_path: Path) -> None:
    mark_engine_of(tmp_path / "file-1")
    with pytest.raises(ValueError, match="no fault of the engine"), shared(tmp_path / "file-2"):
        raise ValueError("no fault of the engine")
    assert is_the_same_engine_as(tmp_path / "file-3")
    with pytest.raises(duckdb.FatalException), shared(tmp_path / "file-4"):
        raise duckdb.FatalException("the database has been invalidated")
    assert not is_the_same_engine_as(tmp_path / "file-5")


def test_it_is_bounded_and_spills_into_the_landings_folder(tmp_path: Path) -> None:
    with shared(tmp_path / "file-1") as session:
        limit, spill = session.execute(
            "select current_setting('memory_limit'), current_setting('temp_directory')"
        ).fetchone() or ("", "")
    assert limit == "1.8 GiB"
    assert Path(spill).is_relative_to(tmp_path)
