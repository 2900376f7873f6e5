"""Data folders with an engine of their own."""

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.python.feeds.folder import FeedFolder
from tests.python.laws.harness import NewDatabase

MakeFeedFolder = Callable[[Path, str], FeedFolder]


@pytest.fixture(scope="session")
def make_feed_folder(tmp_path_factory: pytest.TempPathFactory, lasting_database: NewDatabase) -> MakeFeedFolder:
    """Make a new data folder for a project and a target; on Postgres with a database of its own."""
    numbers = itertools.count(1)

    def make(project: Path, target: str) -> FeedFolder:
        root = tmp_path_factory.mktemp(f"feeds-{target}-{next(numbers)}")
        return FeedFolder(project, root, target, lasting_database(target))

    return make
