"""Data folders for both engines."""

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.python.laws.harness import Folder, Server

BOTH = [pytest.param("duckdb"), pytest.param("postgres", marks=pytest.mark.postgres)]

MakeFolder = Callable[[str], Folder]


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
