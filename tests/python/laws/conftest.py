"""Data folders for both engines."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.python.laws.harness import Folder, NewDatabase

BOTH = [pytest.param("duckdb"), pytest.param("postgres", marks=pytest.mark.postgres)]


def in_one_worker(group: str) -> list[Any]:
    """Both engines, for a fixture that takes long to make: an engine's tests go to one worker, which makes it once."""
    return [
        pytest.param("duckdb", marks=pytest.mark.xdist_group(f"{group}-duckdb")),
        pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.xdist_group(f"{group}-postgres")]),
    ]


MakeFolder = Callable[[str], Folder]


@pytest.fixture(autouse=True)
def of_the_first_stream(first_stream_alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run here is one of the project without what these laws do not look at."""
    monkeypatch.setenv("TIEOUT_PROJECT_DIR", str(first_stream_alone))


@pytest.fixture
def make_folder(tmp_path: Path, new_database: NewDatabase) -> MakeFolder:
    """Make a new data folder for a target; on Postgres with a database of its own."""
    numbers = itertools.count(1)

    def make(target: str) -> Folder:
        root = tmp_path / f"{target}-{next(numbers)}"
        root.mkdir()
        return Folder(root, target, new_database(target))

    return make
