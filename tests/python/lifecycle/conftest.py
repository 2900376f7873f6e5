"""The stories, lived once on each engine."""

from pathlib import Path

import pytest

from tests.python.core_project import core_project
from tests.python.laws.conftest import BOTH
from tests.python.laws.harness import Folder, Server
from tests.python.lifecycle.stories import everything
from tests.python.lifecycle.world import Lives


@pytest.fixture(scope="session")
def first_stream_alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project without the streams that the stories are not about."""
    return core_project(tmp_path_factory.mktemp("core") / "project")


@pytest.fixture(scope="session", params=BOTH)
def lives(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, first_stream_alone: Path) -> Lives:
    """The data folder in which all stories have been lived to their end."""
    environment = {"TIEOUT_PROJECT_DIR": str(first_stream_alone)}
    if request.param == "postgres":
        server: Server = request.getfixturevalue("postgres_server")
        environment |= server.new_database()
    lived = Lives(Folder(tmp_path_factory.mktemp(request.param), request.param, environment))
    lived.live(everything())
    return lived
