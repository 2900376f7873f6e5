"""The project with the stream bookings alone, and data folders of it on both engines."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.python.bookings.world import of_project
from tests.python.core_project import core_project
from tests.python.laws.harness import Folder, NewDatabase

BOTH = [pytest.param("duckdb"), pytest.param("postgres", marks=pytest.mark.postgres)]

MakeFolder = Callable[[str], Folder]


@pytest.fixture(scope="session")
def bookings_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with this stream alone."""
    return core_project(tmp_path_factory.mktemp("bookings") / "project", ("bookings",))


@pytest.fixture
def make_folder(tmp_path: Path, bookings_project: Path, new_database: NewDatabase) -> MakeFolder:
    """Make a new data folder for a target; on Postgres with a database of its own."""
    made: list[Folder] = []

    def make(target: str) -> Folder:
        made.append(of_project(tmp_path / f"{target}-{len(made)}", target, bookings_project, new_database(target)))
        return made[-1]

    return make
