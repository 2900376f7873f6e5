"""Many stream runs at once on one Postgres server: some data folders, each with a schema prefix of its own, and in each
several runs that wait for one another. All must finish, and agree with runs one after the other."""

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestration.audit.ledger import open_ledger
from orchestration.audit.verification import verify
from orchestration.data_dir import DataDir
from orchestration.environment import Place, variables_set
from tests.python.laws.harness import Folder, Server
from tests.python.recovery.stage import Stage, Started

FOLDERS, EACH = 5, 4
COMPARED = ("reconciliation_results", "exceptions", "control_totals")


@dataclass(frozen=True)
class Parallel:
    """What came of it."""

    runs: int
    folders: int
    seconds: float
    serial_seconds: float
    hashes: dict[str, str]
    results: int


def at_once(
    root: Path,
    project: Path,
    server: Server,
    streams: tuple[str, ...],
    deliver: Callable[[Folder], None],
    as_of: datetime,
) -> Parallel:
    """Start `FOLDERS` times `EACH` runs at the same moment and hold every folder against one whose runs came one after
    the other.

    Raises:
        AssertionError: a run did not close its books, or a folder's answer differs.
    """
    shared = {**server.new_database(), "TIEOUT_PROJECT_DIR": str(project)}

    def folder_of(name: str) -> Stage:
        environment = {**shared, "TIEOUT_SCHEMA_PREFIX": f"{name}_"}
        (root / name / "data").mkdir(parents=True)
        stage = Stage(Folder(root / name / "data", "postgres", environment), root / name / "before")
        deliver(stage.folder)
        return stage

    alone = folder_of("alone")
    wanted = [streams[number % len(streams)] for number in range(EACH)]
    begun = time.monotonic()
    for stream in wanted:
        answer = alone.run("--stream", stream, as_of=as_of)
        assert answer.code == 0, answer.err
    serial_seconds = time.monotonic() - begun
    due = answer_of(alone)

    stages = [folder_of(f"f{number}") for number in range(FOLDERS)]
    begun = time.monotonic()
    started: list[Started] = [
        stage.start("run", "--stream", stream, "--wait", "20m", as_of=as_of) for stream in wanted for stage in stages
    ]
    answers = [one.end() for one in started]
    seconds = time.monotonic() - begun
    broken = [answer.err for answer in answers if answer.code]
    assert not broken, f"{len(broken)} of {len(answers)} runs did not close:\n{broken[0][-4000:]}"
    for stage in stages:
        assert answer_of(stage) == due, f"{stage.folder.root} differs from runs one after the other"
    return Parallel(
        len(answers), FOLDERS, seconds, serial_seconds, due["hashes"], due["reconciliation_results"].total()
    )


def answer_of(stage: Stage) -> dict[str, Any]:
    """What a folder came to; its audit must hold, and each of its runs must have succeeded."""
    with variables_set(stage.folder.environment):
        place = Place(DataDir(stage.folder.root), "postgres", replay=False)
        with open_ledger(place) as ledger:
            proof = verify(ledger, place.data, "postgres")
            ends = ledger.rows("select run_id from {schema}.reconciliation_runs where state = 'SUCCEEDED'")
    assert proof.holds, proof.faults
    assert len(ends) == len(set(ends)) == EACH
    hashes: dict[str, str] = {}
    for file in sorted((stage.folder.root / "runs").glob("*.json")):
        said = json.loads(file.read_text(encoding="utf-8"))["summary"]["streams"]
        hashes |= {name: one["results_hash"] for name, one in said.items()}
    marts = {mart: Counter(map(repr, stage.folder.published(f"select * from marts.{mart}"))) for mart in COMPARED}
    return {"hashes": hashes, **marts}
