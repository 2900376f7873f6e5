"""Twenty stream runs at once on Postgres finish and agree with serial ones."""

from pathlib import Path

import pytest

from orchestration import dbt_build
from orchestration.data_dir import DataDir
from orchestration.environment import Place
from tests.python.laws.harness import Folder, Server
from tests.python.oracle.make import at
from tests.python.pipeline.conftest import Mini
from tests.python.recovery.parallel import at_once
from tests.python.recovery.small_project import mini_on_postgres


def deliver(folder: Folder) -> None:
    mini = Mini(folder.root)
    for org in ("acme", "bolt"):
        mini.deliver("orders.csv", *(f"{org}{n}:{n}00" for n in range(9)), org=org)


@pytest.mark.postgres
@pytest.mark.xdist_group("recovery-postgres")
def test_twenty_runs_at_once_agree_with_runs_one_after_the_other(tmp_path: Path, postgres_server: Server) -> None:
    """On the mini project, whose SQL is little and whose runs are real: landing, loading, schemas, dbt, audit,
    publishing. `make reliability` does it on the real one."""
    project = mini_on_postgres(tmp_path / "project")
    outcome = at_once(tmp_path, project, postgres_server, ("sales",), deliver, at("03-03 06:00"))
    assert (outcome.runs, outcome.results) == (20, 18)


def test_a_stream_alone_on_postgres_makes_the_views_again(tmp_path: Path) -> None:
    """There a table that is built anew takes the views of other streams that read it along; the next stream's run would
    not find them. (`make reliability` shows it: runs of two streams in turn.)"""
    chosen = {}
    for target in ("duckdb", "postgres"):
        arguments = dbt_build.arguments(tmp_path, Place(DataDir(tmp_path), target, replay=False), stream="bookings")
        chosen[target] = arguments[arguments.index("--select") + 1].split()
    assert chosen["duckdb"] == ["+path:models/reconciliations/bookings+"]
    assert chosen["postgres"] == [*chosen["duckdb"], "config.materialized:view"]
