"""Data folders for both engines."""

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.python.core_project import core_project
from tests.python.laws.harness import Folder, Server

BOTH = [pytest.param("duckdb"), pytest.param("postgres", marks=pytest.mark.postgres)]

MakeFolder = Callable[[str], Folder]


@pytest.fixture(scope="session")
def first_stream_alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project without what these laws do not look at."""
    return core_project(tmp_path_factory.mktemp("core") / "project")


@pytest.fixture(autouse=True)
def of_the_first_stream(first_stream_alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run here is one of that project."""
    monkeypatch.setenv("TIEOUT_PROJECT_DIR", str(first_stream_alone))


@pytest.fixture
def make_folder(tmp_path: Path, request: pytest.FixtureRequest) -> MakeFolder:
    """Make a new data folder for a target; on Postgres with a database of its own."""
    numbers = itertools.count(1)

    def make(target: str) -> Folder:
        root = tmp_path / f"{target}-{next(numbers)}"
        root.mkdir()
        if target != "postgres":
            return Folder(root, target, {})
        server: Server = request.getfixturevalue("postgres_server")
        return Folder(root, target, server.new_database())

    return make
