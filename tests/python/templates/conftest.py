"""dbt by hand, on the warehouse of a data folder."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.python.laws.harness import Folder


@pytest.fixture
def dbt() -> Callable[..., str]:
    """Run dbt on a copy of the project and the DuckDB warehouse of a data folder; returns what it says."""

    def invoke(project: Path, folder: Folder, *arguments: str) -> str:
        places = ["--project-dir", str(project), "--profiles-dir", str(project), "--target", "duckdb"]
        places += ["--target-path", str(folder.root / ".dbt" / "by_hand"), "--log-path", str(folder.root / "logs")]
        done = subprocess.run(
            [str(Path(sys.executable).parent / "dbt"), *arguments, *places],
            env={
                **os.environ,
                "TIEOUT_DATA_DIR": str(folder.root),
                "TIEOUT_DUCKDB_PATH": str(folder.root / "warehouse.duckdb"),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    return invoke
