"""One stage an engine, with the undisturbed run that all scenarios of that engine are held against."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.python import postgres_server
from tests.python.recovery.stage import Stage, make_stage


@pytest.fixture(scope="session")
def duckdb_stage(tmp_path_factory: pytest.TempPathFactory, first_stream_alone: Path) -> Stage:
    return make_stage(tmp_path_factory.mktemp("stage"), "duckdb", first_stream_alone)


@pytest.fixture(scope="session")
def postgres_stage(tmp_path_factory: pytest.TempPathFactory, first_stream_alone: Path) -> Iterator[Stage]:
    """With a server of its own: it is restarted."""
    with postgres_server.running() as (server, handle):
        yield make_stage(tmp_path_factory.mktemp("stage"), "postgres", first_stream_alone, server, handle)
