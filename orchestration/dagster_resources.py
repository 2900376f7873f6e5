"""What Dagster's assets share: the run they belong to, and the dbt command.

No postponed annotations in this module or in `dagster_assets`: Dagster reads the annotations of contexts and
resources itself.
"""

import importlib.metadata
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource
from packaging import version

from orchestration import clock, environment, pipeline
from orchestration.data_dir import DataDir
from orchestration.errors import TieoutError
from orchestration.pipeline import Run


def default_data_dir() -> str:
    """`TIEOUT_DATA_DIR`, else `data` where Dagster was started."""
    return os.environ.get("TIEOUT_DATA_DIR") or "data"


class Books(dg.ConfigurableResource):
    """What `tieout run` takes as options. All assets of one Dagster run work on one run record and one clock."""

    data_dir: str = ""
    target: str = ""
    as_of: str = ""
    full_refresh: bool = False
    mode: str = ""

    def request(self) -> pipeline.Request:
        """The request behind this configuration; blanks mean the environment's and the command line's defaults."""
        return pipeline.Request(
            data_dir=Path(self.data_dir or default_data_dir()),
            target=self.target or os.environ.get("TIEOUT_TARGET") or "duckdb",
            as_of=clock.parse_as_of(self.as_of) if self.as_of else None,
            full_refresh=self.full_refresh,
            mode=environment.check_mode(self.mode or environment.DAILY),
        )

    @contextmanager
    def step(self, context: dg.AssetExecutionContext) -> Iterator[Run]:
        """Take up this Dagster run for one step, alone in the data folder; how a step broke off is written down.

        An error that a user can act on fails the step with its message and is not tried again.
        """
        request = self.request()
        data = DataDir.at(request.data_dir)
        try:
            with data.lock(f"Dagster run {context.run.run_id}"):
                run = pipeline.prepare(request, started=_started(context), run_suffix=context.run.run_id[:8])
                try:
                    yield run
                except GeneratorExit:
                    raise
                except BaseException as error:
                    if run.record.ended_at is None:
                        run.break_off(error)
                    raise
        except TieoutError as error:
            raise dg.Failure(str(error), allow_retries=False) from error


def _started(context: dg.AssetExecutionContext) -> datetime:
    """When the Dagster run started: the one clock of all its steps (law 6)."""
    record = context.instance.get_run_record_by_id(context.run.run_id)
    if record is None:
        return clock.now()
    return datetime.fromtimestamp(record.start_time or record.create_timestamp.timestamp(), UTC)


class Dbt(DbtCliResource):
    """The dbt command without what costs three seconds a step and is not needed.

    Both methods are private to dagster-dbt; a test holds that they still exist.
    """

    @cached_property
    def _cli_version(self) -> version.Version:
        """Known without asking `dbt --version`."""
        return version.parse(importlib.metadata.version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Any) -> None:
        """An adapter would serve row counts and column metadata only, and would hold the DuckDB file open."""
        return


def dbt_resource(project: Path) -> Dbt:
    """The dbt of this environment, by its path: not whatever else may stand on the PATH."""
    return Dbt(
        project_dir=str(project), profiles_dir=str(project), dbt_executable=str(Path(sys.executable).parent / "dbt")
    )
