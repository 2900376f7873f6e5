"""The stories, lived once on each engine."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.python.laws.conftest import in_one_worker
from tests.python.laws.harness import Folder, NewDatabase
from tests.python.lifecycle.stories import everything
from tests.python.lifecycle.world import Lives, Story


@pytest.fixture(scope="session")
def lived(
    tmp_path_factory: pytest.TempPathFactory, lasting_database: NewDatabase, first_stream_alone: Path
) -> Callable[[str, Sequence[Story]], Lives]:
    """A data folder of an engine in which some stories have been lived to their end."""

    def live(target: str, stories: Sequence[Story]) -> Lives:
        environment = {"TIEOUT_PROJECT_DIR": str(first_stream_alone), **lasting_database(target)}
        lives = Lives(Folder(tmp_path_factory.mktemp(target), target, environment))
        lives.live(stories)
        return lives

    return live


@pytest.fixture(scope="session", params=in_one_worker("lives"))
def lives(request: pytest.FixtureRequest, lived: Callable[[str, Sequence[Story]], Lives]) -> Lives:
    """The data folder in which all stories have been lived to their end."""
    return lived(request.param, everything())
