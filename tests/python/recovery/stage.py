"""The stage on which things are broken: a data folder with a day behind it and a day before it, which can be put back
as often as one likes, and what the undisturbed run of that second day came to.

Everything that a fault must not change is read by `end_state`; who wants to know whether a run recovered compares two.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import psutil

from orchestration import runs
from orchestration.audit.ledger import open_ledger
from orchestration.audit.verification import verify
from orchestration.data_dir import DataDir
from orchestration.environment import Place, variables_set
from tests.python.laws.harness import MARTS, Folder, Server, shown_change
from tests.python.oracle.deliveries import OMS, POS
from tests.python.oracle.make import at, delivered, oms, pos
from tests.python.ready import COMMAND, ROOT

DAY_1, DAY_2 = at("03-03 20:00"), at("03-04 20:00")
ORGS = ("acme", "bolt")
LIMIT_SECONDS = 300

# Columns that name the run which wrote a row: another run's name is no other answer.
LOGS = {
    "audit.exception_log": ("run_id",),
    "audit.processed_batches": ("run_id",),
    "audit.rules": ("run_id", "first_run_id", "recorded_at"),
}


def deliver_day_1(folder: Folder) -> None:
    """Pairs that agree, one that differs, and orders whose other side has not come."""
    for org in ORGS:
        folder.put(org, delivered(POS, DAY_1, [pos(f"{org}-{n}", total=f"{n + 1}0.00") for n in range(6)], "pos-1.csv"))
        others = [oms(f"{org}-{n}", order_total=f"{n + 1}0.{'05' if n == 1 else '00'}") for n in range(4)]
        folder.put(org, delivered(OMS, DAY_1, others, "oms-1.csv"))


def deliver_day_2(folder: Folder) -> None:
    """News of every kind: new pairs, a late counterpart, a corrected version, a copy, a row that does not type, a file
    that came before, and one that cannot be read at all."""
    for org in ORGS:
        new = [pos(f"{org}-2-{n}", total=f"{n + 3}.50") for n in range(4)]
        corrected = pos(f"{org}-1", total="20.05", updated_at="2026-03-04T08:00:00Z")
        rows = [*new, new[0], corrected, pos(f"{org}-bad", total="ten")]
        folder.put(org, delivered(POS, DAY_2, rows, "pos-2.csv"))
        others = [oms(f"{org}-2-{n}", order_total=f"{n + 3}.50") for n in range(3)]
        folder.put(org, delivered(OMS, DAY_2, [*others, oms(f"{org}-4", order_total="50.00")], "oms-2.csv"))
    again = [pos(f"acme-{n}", total=f"{n + 1}0.00") for n in range(6)]
    folder.put("acme", delivered(POS, DAY_2, again, "pos-again.csv"))
    (folder.root / "inbox" / "bolt" / POS / "scan.csv").write_bytes(b"%PDF-1.7\n\x00\x01 no table\n")


@dataclass
class Answer:
    """What a command gave back."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """The message for people, on one line."""
        lines = self.err.splitlines()
        first = next((n for n, line in enumerate(lines) if line.startswith("tieout: ")), None)
        return " ".join(lines[first:][0].split()) if first is not None else ""

    @property
    def shown(self) -> str:
        """How it ended, as somebody at the terminal sees it."""
        if self.code == -signal.SIGKILL:
            return "the process is gone (SIGKILL), no message"
        return f"exit code {self.code}: {self.said}" if self.said else f"exit code {self.code}"


@dataclass
class Started:
    """A command at work; its output goes to files, so that it never waits for a reader."""

    process: subprocess.Popen[bytes]
    out: Path
    err: Path

    def end(self) -> Answer:
        """Wait for its end."""
        self.process.wait(timeout=LIMIT_SECONDS)
        return Answer(self.process.returncode, self.out.read_text(), self.err.read_text())

    def has_said(self, text: str) -> bool:
        """Wait until it has said something, or has ended; tells whether it has."""
        return waited(lambda: text in self.err.read_text() or self.process.poll() is not None) and (
            text in self.err.read_text()
        )

    def halted(self) -> None:
        """Wait until it stands still at the point that `TIEOUT_STOP_AT` names."""
        seen = psutil.Process(self.process.pid)
        waited(lambda: self.process.poll() is not None or seen.status() == psutil.STATUS_STOPPED)
        assert self.process.poll() is None, f"it did not come to its point:\n{self.err.read_text()[-3000:]}"

    def go_on(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)


def waited(condition: Callable[[], bool], seconds: float = 120) -> bool:
    """Wait until a condition holds; False when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@dataclass
class Stage:
    """A data folder of an engine that a fault is tried on, and what the undisturbed run came to."""

    folder: Folder
    before: Path
    server: Server | None = None
    # The wheel's handle of the server, for who restarts it.
    handle: Any = None
    reference: dict[str, Any] = field(default_factory=dict)
    # Put before every command: a disk of its own, say.
    prefix: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def data(self) -> DataDir:
        return DataDir(self.folder.root)

    @property
    def place(self) -> Place:
        return Place(self.data, self.folder.target, replay=False)

    # --- the two days

    def live_through(self) -> None:
        """The first day, kept to be put back, and the second day undisturbed."""
        deliver_day_1(self.folder)
        self.folder.run(DAY_1)
        self.folder.root.rename(self.before)
        if self.server:
            _copy_database(self.server, self.database, self.database + "_before")
        self.put_back()
        self.folder.run(DAY_2)
        self.reference = self.end_state()

    @property
    def database(self) -> str:
        return self.folder.environment["TIEOUT_PG_DATABASE"]

    def put_back(self) -> None:
        """The evening of the first day again, with the second day's deliveries in the inbox. The path stays, because
        dbt's parse and the views in the warehouse hold it."""
        shutil.rmtree(self.folder.root, ignore_errors=True)
        shutil.copytree(self.before, self.folder.root, symlinks=True)
        if self.server:
            _copy_database(self.server, self.database + "_before", self.database)
        deliver_day_2(self.folder)

    # --- commands

    def start(self, *arguments: str, as_of: datetime | None = DAY_2, code: str = "", **environment: str) -> Started:
        """Start a command of `tieout` on the folder; `code` runs first inside its process."""
        number = len(list(self.folder.root.parent.glob("*.out")))
        out, err = (self.folder.root.parent / f"{number:03d}.{kind}" for kind in ("out", "err"))
        command = [*self.prefix, COMMAND[0], "-c", f"{code}\n{COMMAND[2]}" if code else COMMAND[2]]
        options = ["--data-dir", str(self.folder.root), "--target", self.folder.target, "--json"]
        if as_of is not None:
            options += ["--as-of", as_of.isoformat().replace("+00:00", "Z")]
        with out.open("wb") as out_file, err.open("wb") as err_file:
            process = subprocess.Popen(
                [*command, *arguments, *options],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT), **self.folder.environment, **environment},
                stdout=out_file,
                stderr=err_file,
            )
        return Started(process, out, err)

    def run(self, *arguments: str, **given: Any) -> Answer:
        """`tieout run`, to its end."""
        return self.start("run", *arguments, **given).end()

    def kill_at(self, point: str) -> Answer:
        """`tieout run`, killed at a point; it must die there and nowhere else."""
        answer = self.run(TIEOUT_CRASH_AT=point)
        assert answer.code == -signal.SIGKILL, f"{point} was not reached: {answer.code}\n{answer.err[-3000:]}"
        return answer

    @contextmanager
    def halted_at(self, point: str, *arguments: str, **given: Any) -> Iterator[Started]:
        """`tieout run`, halted at a point while the block breaks something, then let go on. Who wants its end asks for
        it after the block."""
        started = self.start("run", *arguments, **given, TIEOUT_STOP_AT=point)
        started.halted()
        try:
            yield started
        finally:
            started.go_on()

    def recover(self) -> Answer:
        """The next run; it must close the books."""
        begun = time.monotonic()
        answer = self.run()
        self.seconds = time.monotonic() - begun
        assert answer.code == 0, answer.err[-4000:] + answer.out[-2000:]
        return answer

    # --- looking

    def right_after(self) -> str:
        """How things stand, in words."""
        inbox, landed, archive, failed = (_files(self.folder.root, name) for name in INBOXES)
        new = len(landed) - len(_files(self.before, "landing"))
        version = (self.folder.root / "published").readlink()
        same = version == (self.before / "published").readlink()
        states = Counter(str(record.state) for record in self.records())
        known = len(_files(self.before, "archive")) + len(_files(self.before, "failed"))
        moved = len(archive) + len(failed) - known
        records = ", ".join(f"{n} {state}" for state, n in sorted(states.items()))
        parts = [
            f"{len(inbox)} files in the inbox, {new} new batches, {moved} files moved on",
            f"readers see {'the version before' if same else 'the new version'}",
            f"records: {records or 'none'}",
        ]
        return "; ".join(parts)

    def records(self) -> list[runs.RunRecord]:
        """The records of the runs since the first day, oldest first."""
        known = {file.name for file in (self.before / "runs").glob("*.json")}
        return [r for r in runs.all_of(self.data, self.folder.target) if f"{r.run_id}.json" not in known]

    def ends(self) -> tuple[str, ...]:
        """How the audit says that each run since the first day ended, in the order in which they began; every attempt
        of a run must have come to exactly one end, and the audit must be as it was written."""
        with variables_set(self.folder.environment), open_ledger(self.place) as ledger:
            proof = verify(ledger, self.data, self.folder.target)
            rows = ledger.rows("select run_id, attempt, state, failure_code from {schema}.reconciliation_runs")
        assert proof.holds, proof.faults
        found: dict[str, dict[int, list[str]]] = {}
        for run_id, attempt, state, code in rows:
            ends = found.setdefault(run_id, {}).setdefault(attempt, [])
            if state not in ("QUEUED", "RUNNING"):
                ends.append("CRASHED" if code == "CRASHED" else state)
        assert all(len(ends) == 1 for attempts in found.values() for ends in attempts.values()), found
        assert set(found) == {record.run_id for record in runs.all_of(self.data, self.folder.target)}
        return tuple(found[record.run_id][max(found[record.run_id])][0] for record in self.records())

    def end_state(self) -> dict[str, Any]:
        """All that a fault must not change."""
        folder, target = self.folder, self.folder.target
        with variables_set(folder.environment):
            latest = runs.latest_with_summary(self.data, target)
        state: dict[str, Any] = {
            "results_hash": {name: said["results_hash"] for name, said in latest.summary["streams"].items()}
        }
        for mart in (*MARTS, "exception_history", "exception_ageing"):
            state[mart] = Counter(map(repr, folder.published(f"select * from marts.{mart}")))
        for log, names in LOGS.items():
            state[log] = Counter(map(repr, _without(folder, log, names)))
        for name in INBOXES:
            state[name] = _files(folder.root, name)
        state["matches in artifacts"] = self._matches_in_artifacts()
        leftovers = [
            *folder.root.glob(".versions/*.tmp"),
            *folder.root.glob("landing/.tmp/*"),
            *folder.root.glob(".tmp"),
        ]
        state["left over"] = sorted(str(path.relative_to(folder.root)) for path in leftovers)
        return state

    def _matches_in_artifacts(self) -> Counter[str]:
        """What the files of matches hold, each once however many runs it took."""
        query = "select storage_path from audit.reconciliation_artifacts where artifact_type = 'matched'"
        files = [str(self.folder.root / path) for (path,) in self.folder.warehouse(query)]
        read = "select org_id || ' ' || source_activity_id from read_parquet(?, union_by_name = true)"
        with duckdb.connect() as connection:
            return Counter(row[0] for row in connection.execute(read, [files]).fetchall()) if files else Counter()

    def check(self) -> str:
        """Hold the end against the undisturbed run, and say what was compared."""
        state = self.end_state()
        changed = shown_change(self.reference, state)
        assert not changed, f"the end is not that of an undisturbed run:\n{changed}"
        with variables_set(self.folder.environment), open_ledger(self.place) as ledger:
            rows = sum(verify(ledger, self.data, self.folder.target).rows.values())
        counts = {name: sum(value.values()) for name, value in state.items() if isinstance(value, Counter)}
        return (
            f"results hash {next(iter(state['results_hash'].values()))[:8]},"
            f" {counts['reconciliation_results']} results,"
            f" {counts['exceptions']} exceptions with {counts['audit.exception_log']} log lines,"
            f" {len(state['landing'])} batches, {len(state['archive'])} archived files,"
            f" {counts['matches in artifacts']} matches in artifacts; {rows} audit rows verified"
        )


INBOXES = ("inbox", "landing", "archive", "failed")


def _files(root: Path, name: str) -> dict[str, str]:
    """The files below a folder by their content; of landing, the batches by their records."""
    found = {}
    for path in sorted((root / name).rglob("*")):
        if not path.is_file() or ".tmp" in path.parts:
            continue
        if name == "landing":
            if path.name == "manifest.json":
                said = json.loads(path.read_text(encoding="utf-8"))
                kept = {k: v for k, v in said.items() if k != "landed_at"}
                found[str(path.parent.relative_to(root))] = json.dumps(kept, sort_keys=True)
            continue
        found[str(path.relative_to(root))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def _without(folder: Folder, relation: str, names: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """The rows of a relation but for some columns."""
    schema, table = relation.split(".")
    columns = folder.warehouse(
        "select column_name from information_schema.columns"
        f" where table_schema = '{schema}' and table_name = '{table}' order by ordinal_position"
    )
    kept = ", ".join(column for (column,) in columns if column not in names)
    return folder.warehouse(f"select {kept} from {relation}")


def _copy_database(server: Server, source: str, target: str) -> None:
    server.execute(
        f'drop database if exists "{target}" with (force)', f'create database "{target}" template "{source}"'
    )


def make_stage(root: Path, target: str, project: Path, server: Server | None = None, handle: Any = None) -> Stage:
    """A stage with its two days lived through."""
    environment: Mapping[str, str] = {"TIEOUT_PROJECT_DIR": str(project), "TIEOUT_ACTOR": "ann"}
    if server:
        environment = {**environment, **server.new_database()}
    (root / "data").mkdir(parents=True)
    stage = Stage(Folder(root / "data", target, dict(environment)), root / "before", server, handle)
    stage.live_through()
    return stage
