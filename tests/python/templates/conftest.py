"""dbt by hand, on the warehouse of a data folder."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.python import ready
from tests.python.laws.harness import Folder


@pytest.fixture
def dbt() -> Callable[..., str]:
    """Run dbt on a copy of the project and the DuckDB warehouse of a data folder; returns what it says."""

    def invoke(project: Path, folder: Folder, *arguments: str) -> str:
        places = ["--project-dir", project, "--profiles-dir", project, "--target", "duckdb"]
        places += ["--target-path", folder.root / ".dbt" / "by_hand", "--log-path", folder.root / "logs"]
        env = {
            **os.environ,
            "TIEOUT_DATA_DIR": str(folder.root),
            "TIEOUT_DUCKDB_PATH": str(folder.root / "warehouse.duckdb"),
        }
        done = ready.run(*arguments, *places, env=env, program=ready.DBT)
        return done.stdout + done.stderr

    return invoke
