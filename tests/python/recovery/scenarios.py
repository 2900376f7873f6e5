"""What can go wrong, declared: the fault, how it is made, and how the runs that it hits must end. Each is tried on a
stage (`stage.py`) between the first and the second day; afterwards the next run must come to what an undisturbed one
came to. The tests run them, and `python -m tests.python.recovery` makes docs/reliability.md of them.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

import psutil

from tests.python.postgres_server import restart_at_once
from tests.python.ready import ROOT
from tests.python.recovery.disk import small_disk
from tests.python.recovery.stage import DAY_2, Stage, waited
from tests.python.recovery.test_waiting import opened_elsewhere

CRASHED, FAILED, SUCCEEDED = "CRASHED", "FAILED", "SUCCEEDED"
# On a full disk a run may find no room to say how it ended; the next one then takes it for crashed.
UNTOLD = f"{FAILED}|{CRASHED}"


@dataclass(frozen=True)
class Scenario:
    """A fault. `act` makes it happen and returns what a user sees of it; `ends` are the ends of all runs of the second
    day as the audit tells them, the last one that of the next run; `next_run` says what that one does."""

    name: str
    fault: str
    made: str
    act: Callable[[Stage], str]
    ends: tuple[str, ...]
    next_run: str
    target: str = "duckdb"
    # The last run of `act` is the next run.
    is_over: bool = False
    # Whether the test suite plays it. What it would only repeat, `make reliability` plays.
    in_suite: bool = True

    def play(self, stage: Stage) -> "Played":
        """Break it, look, run again, and hold the end against the undisturbed run.

        Raises:
            AssertionError: something is lost, twice, or told wrongly.
        """
        stage.put_back()
        seen = self.act(stage)
        after = stage.right_after()
        if not self.is_over:
            stage.recover()
        proof = stage.check()
        ends = stage.ends()
        assert len(ends) == len(self.ends), f"{ends}, not {self.ends}"
        assert all(end in allowed.split("|") for end, allowed in zip(ends, self.ends, strict=True)), ends
        return Played(self, seen, after, ends, 0.0 if self.is_over else stage.seconds, proof)


@dataclass(frozen=True)
class Played:
    """What came of a scenario."""

    scenario: Scenario
    seen: str
    after: str
    ends: tuple[str, ...]
    seconds: float
    proof: str


# The 6th statement of this step stands between what it deletes and inserts, and its commit.
IN_A_NODE = "statement-of-pos_oms_orders__by_order_id:6"


def kills(*points: str, new_version: bool = False) -> Callable[[Stage], str]:
    """Kill one run after the other, each at its point. Readers see the version before, whole, or at the end the new
    one."""

    def act(stage: Stage) -> str:
        for point in points:
            answer = stage.kill_at(point)
        assert ("the new version" in stage.right_after()) == new_version
        return answer.shown

    return act


def full_at(point: str, says: str, leave: int = 0) -> Callable[[Stage], str]:
    """Fill the disk while a run stands still at a point."""

    def act(stage: Stage) -> str:
        with small_disk(stage) as (there, disk):
            with there.halted_at(point) as started:
                disk.fill(leave=leave)
            answer = started.end()
        assert answer.code == 1, answer.err + answer.out
        assert re.search(says, answer.said), answer.err
        assert "Traceback" not in answer.err
        assert "the version before" in stage.right_after()
        return answer.shown

    return act


def full_from_the_start(stage: Stage) -> str:
    """Not even a record of the run can be written."""
    with small_disk(stage) as (there, disk):
        disk.fill()
        answer = there.run()
        disk.make_room()
    assert answer.code == 1, answer.err
    assert "No space left on device" in answer.said, answer.err
    assert "Traceback" not in answer.err
    assert stage.records() == []
    return full_at("after-hash", "Landing stopped")(stage)


def open_elsewhere(stage: Stage) -> str:
    """Without patience the run says who has it; with it, it waits."""
    with opened_elsewhere(stage.data.warehouse, read_only=True) as other:
        refused = stage.run()
        assert refused.code == 2
        assert f"(PID {other.pid})" in refused.said
        waiting = stage.start("run", "--wait", "5m")
        assert waiting.has_said("Waiting for the warehouse")
        other.stdin.close()
    assert waiting.end().code == 0
    return refused.shown


def two_triggers(stage: Stage) -> str:
    """One works, one is refused, one waits."""
    with stage.halted_at("after-landing") as first:
        refused = stage.run()
        assert refused.code == 2
        assert f"process {first.process.pid}" in refused.said
        waiting = stage.start("run", "--wait", "5m")
        assert waiting.has_said("Waiting for another run")
    for started in (first, waiting):
        assert started.end().code == 0
    version = stage.folder.root.joinpath("published").readlink()
    assert version.name == "2", "the second one published something else"
    return f"the one without --wait: {refused.shown}"


def at_the_clock(moment: object) -> str:
    """Code that sets a process's clock."""
    return f"import datetime, orchestration.clock as c; c.now = lambda: datetime.datetime.fromisoformat('{moment}')"


def clock_jumps(stage: Stage) -> str:
    """Two days early nothing can be received. At the right time there is nothing new yet; then the deliveries come, and
    the clock is put back by two minutes: time does not go back in the books."""
    inbox, aside = stage.folder.root / "inbox", stage.folder.root.parent / "inbox-aside"
    early = stage.start("land", as_of=None, code=at_the_clock(DAY_2 - timedelta(days=2))).end()
    assert early.code == 2
    assert "nothing can be received in the past" in early.said
    inbox.rename(aside)
    inbox.mkdir()
    assert stage.run(as_of=None, code=at_the_clock(DAY_2)).code == 0
    inbox.rmdir()
    aside.rename(inbox)
    behind = stage.run(as_of=None, code=at_the_clock(DAY_2 - timedelta(minutes=2)))
    assert behind.code == 0, behind.err
    assert '"replay": false' in behind.out
    said = next(line for line in behind.err.splitlines() if "The clock is" in line)
    return f"two days early: {early.shown}; two minutes early: {said}"


def dagster_worker_dies(stage: Stage) -> str:
    """Kill the process that holds the data folder while dbt builds, and what it has started; then the job again."""

    def builds() -> bool:
        return any(record.built for record in stage.records())

    with dagster_job(stage) as job:
        assert waited(lambda: builds() or job.poll() is not None), "the job does not come to building"
        time.sleep(3)
        holder = re.match(r"process (\d+), Dagster run", (stage.folder.root / ".lock").read_text())
        assert holder, "nobody holds the data folder"
        worker = psutil.Process(int(holder.group(1)))
        for process in (worker, *worker.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        assert job.wait(timeout=120) != 0
    after = stage.right_after()
    with dagster_job(stage) as job:
        assert job.wait(timeout=300) == 0, stage.folder.root.parent.joinpath("dagster.log").read_text()[-5000:]
    return f"the Dagster run fails; {after}"


@contextmanager
def dagster_job(stage: Stage) -> Iterator[subprocess.Popen[bytes]]:
    """Dagster's job `tieout` on the stage, in processes of its own."""
    home = stage.folder.root.parent / "dagster"
    home.mkdir(exist_ok=True)
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    given = {"as_of": DAY_2.isoformat(), "data_dir": str(stage.folder.root), "target": stage.folder.target}
    config = home / "run.yaml"
    config.write_text(json.dumps({"resources": {"books": {"config": given}}}))
    command = ["-m", "dagster", "job", "execute", "-m", "orchestration.definitions", "-j", "tieout", "-c", str(config)]
    environment = {"DAGSTER_HOME": str(home), "TIEOUT_DATA_DIR": str(stage.folder.root), "PYTHONPATH": str(ROOT)}
    with stage.folder.root.parent.joinpath("dagster.log").open("wb") as log:
        job = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env={**os.environ, **stage.folder.environment, **environment},
            stdout=log,
            stderr=log,
        )
        try:
            yield job
        finally:
            if job.poll() is None:
                job.kill()
            job.wait()


def server_restarts(stage: Stage) -> str:
    with stage.halted_at(IN_A_NODE) as started:
        restart_at_once(stage.handle)
    answer = started.end()
    assert answer.code in (0, 1), answer.err
    assert "Traceback" not in answer.err
    failed = json.loads(answer.out)["failures"]
    return f"{answer.shown}; the summary says: {failed[0][:220]} ..." if failed else answer.shown


def killed_on_the_server(stage: Stage) -> str:
    """The process dies between a node's statements: the server takes back what it had not committed."""
    return kills("before-commit", IN_A_NODE)(stage)


SCENARIOS = (
    Scenario(
        "killed-landing",
        "The worker is killed while it lands files",
        "kill -9 in three runs one after the other: records written and not yet named, batch named and file still in"
        " the inbox, file moved",
        kills("after-records:2", "after-rename:3", "after-archive:1"),
        (CRASHED, CRASHED, CRASHED, SUCCEEDED),
        "removes what was half written, knows by its content what has landed, lands the rest",
    ),
    Scenario(
        "killed-in-a-node",
        "The worker is killed while dbt builds, inside a node and between two",
        "kill -9 between a step's insert and its commit; the run after it is killed when 20 nodes are done",
        kills(IN_A_NODE, "between-nodes:20"),
        (CRASHED, CRASHED, SUCCEEDED),
        "the engine takes back what was not committed; every model works off what it has not noted as done",
    ),
    Scenario(
        "killed-publishing",
        "The worker is killed while it publishes",
        "kill -9 before the swap; the run after it is killed after the swap",
        kills("before-swap", "after-swap", new_version=True),
        (CRASHED, CRASHED, SUCCEEDED),
        "readers see the old version or the new one, whole; nothing has changed since, so that version stays",
        # tests/python/laws/test_crash.py kills at both points on both engines.
        in_suite=False,
    ),
    Scenario(
        "killed-in-the-audit",
        "The worker is killed between the audit's writes",
        "kill -9 after the note and before the commit, after the commit and before its note, and when the files of the"
        " steps are written and not registered",
        kills("audit-noted:1", "audit-committed:1", "after-artifacts"),
        (CRASHED, CRASHED, CRASHED, SUCCEEDED),
        "tells that the killed ones crashed, closes their steps, removes files that nobody registered",
    ),
    Scenario(
        "disk-full-landing",
        "The disk is full while files land",
        "the data folder on a tmpfs of 160 MB that is filled up: before a run, and while one stands still between"
        " reading a file and writing its batch",
        full_from_the_start,
        (UNTOLD, SUCCEEDED),
        "lands what stayed in the inbox",
    ),
    Scenario(
        "disk-full-dbt",
        "The disk gets full while dbt builds",
        "the run is halted inside of a node, the tmpfs filled up, and the run let go on",
        full_at(IN_A_NODE, "No space left on device|could not write its results whole"),
        (UNTOLD, SUCCEEDED),
        "builds what was not built",
    ),
    Scenario(
        "disk-full-publishing",
        "The disk gets full while the copy for readers is written",
        "the run is halted before it publishes, the tmpfs filled up but for 64 KB, and the run let go on",
        full_at("before-publish", "Readers still see the version before", 65_536),
        (UNTOLD, SUCCEEDED),
        "publishes; readers saw the version before in the meantime",
    ),
    Scenario(
        "warehouse-open",
        "Another program has the warehouse open",
        "a DuckDB of another process has `warehouse.duckdb` open read-only; one run without and one with --wait",
        open_elsewhere,
        (FAILED, SUCCEEDED),
        "the one with --wait waits until the program closes the file, and does the work",
        is_over=True,
    ),
    Scenario(
        "two-triggers",
        "Two identical triggers at once",
        "three `tieout run` of the same --as-of: while the first is at work, one without and one with --wait",
        two_triggers,
        (SUCCEEDED, SUCCEEDED),
        "the one that waits changes nothing: it is the next attempt of the same request",
        is_over=True,
    ),
    Scenario(
        "clock-jumps",
        "The system's clock jumps",
        "the process's clock stands two days early, then right, then two minutes early",
        clock_jumps,
        (SUCCEEDED, SUCCEEDED),
        "two minutes early goes on at the latest time that the books know; days early it would be a replay, which lands"
        " and publishes nothing and warns",
        is_over=True,
    ),
    Scenario(
        "dagster-worker-killed",
        "Dagster's worker is killed while dbt builds",
        "kill -9 of the process of `dagster job execute` that holds the data folder, and of what it has started",
        dagster_worker_dies,
        (CRASHED, SUCCEEDED),
        "the same job again carries on, and tells the audit that the one before crashed",
        is_over=True,
    ),
    Scenario(
        "postgres-restarts",
        "Postgres restarts in the middle of a run",
        "the run is halted between a step's insert and its commit, the server stopped with `-m immediate` and started"
        " again, and the run let go on",
        server_restarts,
        (f"{FAILED}|{SUCCEEDED}", SUCCEEDED),
        "the server took back what was not committed; builds what was not built",
        target="postgres",
    ),
    Scenario(
        "postgres-killed",
        "The worker is killed while it loads and builds on Postgres",
        "kill -9 after a batch's COPY and before its commit; the run after it is killed between a step's insert and its"
        " commit",
        killed_on_the_server,
        (CRASHED, CRASHED, SUCCEEDED),
        "loads the batches that are not there, builds what was not built",
        target="postgres",
        # tests/python/laws/test_crash.py kills while loading, and inside of dbt.
        in_suite=False,
    ),
)
