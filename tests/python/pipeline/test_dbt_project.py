"""dbt's own tests of the project, and what `tieout run` gives on the examples."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb

from tests.python import ready
from tests.python.examples.reconciled import Reconciled, of_the_examples
from tests.python.ready import ROOT

DBT = Path(sys.executable).parent / "dbt"


def dbt(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A dbt command of its own, as a user types it; it leaves its files in the data folder."""
    return subprocess.run(
        [DBT, "--no-use-colors", *arguments, "--project-dir", ROOT, "--profiles-dir", ROOT],
        cwd=ROOT,
        env={
            **os.environ,
            "TIEOUT_DATA_DIR": str(data),
            "DBT_TARGET_PATH": str(data / "target"),
            "DBT_LOG_PATH": str(data / "logs"),
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_unit_test_of_the_models_holds(data_dir: Path) -> None:
    """Built on nothing, which also shows that a data folder before its first delivery builds."""
    done = dbt(data_dir, "build", "--exclude-resource-type", "test")
    assert done.returncode == 0, done.stdout
    results = json.loads((data_dir / "target" / "run_results.json").read_text())["results"]
    unit_tests = [result for result in results if result["unique_id"].startswith("unit_test.")]
    assert unit_tests
    assert all(result["status"] == "pass" for result in unit_tests)


@of_the_examples
def test_the_examples_close(examples: Reconciled) -> None:
    assert "The books closed." in examples.said
    for words in ("Missing in oms", "Match rate", "largest:", "balances, all held", "oms_2026-03-02.csv row"):
        assert words in examples.said


@of_the_examples
def test_exceptions_are_listed_from_the_published_copy(examples: Reconciled) -> None:
    done = ready.run("exceptions", "list", "--json", "--limit", "5", "--data-dir", examples.data)
    assert done.returncode == 0, done.stderr
    listed = json.loads(done.stdout)
    assert len(listed) == 5
    assert {"exception_id", "state", "explanation", "next_action", "source_file", "source_row_number"} <= set(listed[0])


@of_the_examples
def test_dbt_build_by_itself_works_on_what_has_landed(examples: Reconciled, data_dir: Path) -> None:
    """Without the command: dbt's start is the clock, so only what does not depend on it is compared."""
    shutil.copytree(examples.data / "landing", data_dir / "landing")
    done = dbt(data_dir, "build", "--exclude-resource-type", "unit_test")
    assert done.returncode == 0, done.stdout
    counts = []
    for warehouse in (examples.data / "warehouse.duckdb", data_dir / "warehouse.duckdb"):
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            counts.append(connection.execute("select count(*) from marts.reconciliation_results").fetchall())
    assert counts[0] == counts[1]
    # By which the next run knows that somebody else has built.
    with duckdb.connect(str(data_dir / "warehouse.duckdb"), read_only=True) as connection:
        ((builder,),) = connection.execute("select run_id from audit.builds").fetchall()
    assert builder not in {file.stem for file in (examples.data / "runs").glob("*.json")}
