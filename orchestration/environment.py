"""The environment that a dbt run reads (docs/architecture.md), set around it and put back afterwards."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from orchestration import clock
from orchestration.data_dir import DataDir
from orchestration.errors import UsageError

TARGETS = ("duckdb", "postgres")
# Whose new records a run judges: those of counterparties whose policy says HOURLY, or everybody's.
HOURLY, DAILY = "hourly", "daily"
MODES = (HOURLY, DAILY)
SCHEMA_PREFIX = "TIEOUT_SCHEMA_PREFIX"


def check_target(target: str) -> str:
    """The target itself when it can be used.

    Raises:
        UsageError: it is unknown, or planned and not there yet.
    """
    if target == "spark":
        raise UsageError("The target spark is planned and not available yet. Available: " + ", ".join(TARGETS) + ".")
    if target not in TARGETS:
        raise UsageError(f"There is no target {target!r}. Available: {', '.join(TARGETS)}.")
    return target


def check_mode(mode: str) -> str:
    """The mode itself when there is one of that name.

    Raises:
        UsageError: there is none.
    """
    if mode not in MODES:
        raise UsageError(f"There is no mode {mode!r}. Available: {', '.join(MODES)}.")
    return mode


@dataclass(frozen=True)
class Place:
    """Where one run builds: the real warehouse, or a replay's scratch place with nothing of the real one in it."""

    data: DataDir
    target: str
    replay: bool

    @property
    def schema_prefix(self) -> str:
        """Put before every schema's name. A replay has no name of its own: the lock lets only one work, and a new
        name would make dbt parse everything again."""
        return os.environ.get(SCHEMA_PREFIX, "") + ("replay_" if self.replay and self.target == "postgres" else "")

    @property
    def duckdb_path(self) -> Path:
        return self.data.replay_warehouse if self.replay else self.data.warehouse

    @property
    def dbt_target(self) -> Path:
        """dbt's target folder. Each place keeps its own partial parse, which holds only while paths and target stay."""
        return self.data.dbt / f"{self.target}{'-replay' if self.replay else ''}"

    def variables(self, run_id: str, as_of: datetime, mode: str = DAILY) -> dict[str, str]:
        """The variables of a dbt run in this place."""
        return {
            "TIEOUT_DATA_DIR": str(self.data.root),
            "TIEOUT_DUCKDB_PATH": str(self.duckdb_path),
            SCHEMA_PREFIX: self.schema_prefix,
            "DBT_ENV_CUSTOM_ENV_TIEOUT_AS_OF": clock.to_text(as_of),
            "DBT_ENV_CUSTOM_ENV_TIEOUT_RUN_ID": run_id,
            "DBT_ENV_CUSTOM_ENV_TIEOUT_MODE": mode,
        }


@contextmanager
def variables_set(values: dict[str, str]) -> Iterator[None]:
    """Set variables of this process for the length of a block, then restore what was there."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
