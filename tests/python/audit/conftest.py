"""A data folder that has seen everything that can happen to a run, once on each engine."""

import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.python import ready
from tests.python.core_project import core_project
from tests.python.laws.conftest import in_one_worker
from tests.python.laws.harness import Folder, NewDatabase
from tests.python.oracle.deliveries import OMS, POS
from tests.python.oracle.make import at, delivered, oms, pos
from tests.python.ready import COMMAND, ROOT

DAY_1, DAY_2, DAY_3, DAY_4 = (at(f"03-0{day} 20:00") for day in (3, 4, 5, 6))
LAW = """-- depends_on: {{ ref('reconciliation_results') }}
{{ config(tags=['law']) }}
select 1 as contradiction
where '{{ dbt_metadata_envs.get("BROKEN_LAW", "") if dbt_metadata_envs else "" }}' = 'yes'
"""


@dataclass
class History:
    """What happened in a data folder: the id of each run by what became of it."""

    folder: Folder
    runs: dict[str, str] = field(default_factory=dict)

    def tieout(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run any command on the folder."""
        places = ("--data-dir", self.folder.root, "--target", self.folder.target)
        return ready.run(*arguments, *places, env={**os.environ, **self.folder.environment}, timeout=120)

    def json(self, *arguments: str, code: int = 0) -> Any:
        """What a command answers as JSON."""
        done = self.tieout(*arguments, "--json")
        assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return json.loads(done.stdout)

    def note(self, name: str) -> None:
        """Name the newest run."""
        self.runs[name] = max(file.stem for file in (self.folder.root / "runs").glob("*.json"))

    def states(self, run_id: str) -> list[str]:
        """The states that a run went through."""
        return [
            state
            for (state,) in self.folder.warehouse(
                f"select state from audit.reconciliation_runs where run_id = '{run_id}' order by sequence_number"
            )
        ]

    def cancel(self, as_of: datetime) -> int:
        """Start a run and ask it to end once it reconciles; returns its exit code."""
        moment = as_of.isoformat().replace("+00:00", "Z")
        arguments = ["run", "--data-dir", str(self.folder.root), "--target", self.folder.target, "--as-of", moment]
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=ROOT,
            env={**os.environ, **self.folder.environment},
            stderr=subprocess.PIPE,
            text=True,
        )
        for line in process.stderr:
            if line.startswith("Reconciling"):
                break
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
        return process.wait(timeout=60)


def world(folder: Folder, day: int) -> None:
    """What two orgs deliver on a day: a pair, one that differs, one that is missing, and on later days more of it."""
    when = {1: DAY_1, 2: DAY_2, 3: DAY_3, 4: DAY_4, 5: DAY_2}[day]
    for org in ("acme", "bolt"):
        rows = [pos(f"{org}-{day}-{n}", total=f"{n + 1}0.00") for n in range(4)]
        folder.put(org, delivered(POS, when, rows))
        others = [oms(f"{org}-{day}-{n}", order_total=f"{n + 1}0.{'00' if n else '05'}") for n in range(3)]
        folder.put(org, delivered(OMS, when, others))


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One stream, with a law that a test can break."""
    folder = core_project(tmp_path_factory.mktemp("audited") / "project")
    (folder / "tests/laws/law_that_tests_can_break.sql").write_text(LAW)
    return folder


@pytest.fixture(scope="session", params=in_one_worker("audit"))
def history(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    lasting_database: NewDatabase,
    project: Path,
) -> History:
    """A run, its repetition, a killed one and its retry, a cancelled one, one that failed, one after it, a replay."""
    environment = {"TIEOUT_PROJECT_DIR": str(project), "TIEOUT_ACTOR": "ann", **lasting_database(request.param)}
    lived = History(Folder(tmp_path_factory.mktemp(request.param), request.param, environment))
    folder = lived.folder

    world(folder, 1)
    assert folder.start(DAY_1, "--reason", "the first day").returncode == 0
    lived.note("first")
    folder.run(DAY_1)
    lived.note("repeated")

    world(folder, 2)
    assert folder.start(DAY_2, TIEOUT_CRASH_AT="after-artifacts").returncode == -signal.SIGKILL
    lived.note("killed")
    folder.run(DAY_2)
    lived.note("retried")

    # Killed after the files were registered, and before readers saw anything of it.
    world(folder, 5)
    assert folder.start(DAY_2, TIEOUT_CRASH_AT="mid-publish").returncode == -signal.SIGKILL
    lived.note("killed late")
    folder.run(DAY_2)
    lived.note("retried late")

    world(folder, 3)
    assert lived.cancel(DAY_3) == 130
    lived.note("cancelled")
    assert folder.start(DAY_3, DBT_ENV_CUSTOM_ENV_BROKEN_LAW="yes").returncode == 1
    lived.note("failed")
    folder.run(DAY_3)
    lived.note("healed")

    assert folder.run(DAY_1).summary["replay"]
    lived.note("replay")
    return lived
