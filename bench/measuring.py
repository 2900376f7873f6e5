"""What the benchmarks share: a process measured from its start to its end, and what a run says of itself."""

import json
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]
SAMPLE_SECONDS = 0.1
GIGABYTE = 1024**3


class BenchError(Exception):
    """A run failed or its answer is wrong; the message says what."""


@dataclass(frozen=True)
class Measured:
    """A process that ended well: how long it took, the most memory that it and its children held at a time, and how
    long the cores worked for it, which says more than its time where others work beside it."""

    seconds: float
    peak_bytes: int
    output: str
    core_seconds: float = 0.0


@dataclass(frozen=True)
class Run:
    """A measured `tieout run` and what its summary says about itself."""

    measured: Measured
    summary: dict[str, Any]
    nodes: dict[str, float]

    @property
    def timings(self) -> dict[str, float]:
        return self.summary.get("timings", {})


@dataclass
class Target:
    """A limit and what was measured: at most that much, or `at_least`."""

    what: str
    measured: float
    limit: float
    unit: str = ""
    at_least: bool = False

    @property
    def met(self) -> bool:
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit


def measure(command: list[str], log: Path) -> Measured:
    """Run a command to its end as a process of its own.

    Raises:
        BenchError: it did not end with 0.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TIEOUT_", "DBT_"))}
    out, err = log.with_suffix(".out"), log.with_suffix(".err")
    # What was written before is not to be written down beside it.
    os.sync()
    with out.open("wb") as output, err.open("wb") as errors:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=errors)
        sampler = _Sampler(process.pid)
        sampler.start()
        # `wait4` also says the most that the largest single process held, which no sample can miss.
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    sampler.stop()
    if process.returncode != 0:
        tail = "\n".join((err.read_text(errors="replace") + out.read_text(errors="replace")).splitlines()[-25:])
        raise BenchError(f"{' '.join(command)} ended with {process.returncode}:\n{tail}")
    # A child begins with what its parent held when it was made: no more than that says nothing of a child that lived
    # long enough to be looked at.
    ours = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    says_something = usage.ru_maxrss > ours or not sampler.peak
    largest = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) if says_something else 0
    worked = usage.ru_utime + usage.ru_stime
    return Measured(seconds, max(largest, sampler.peak), out.read_text(encoding="utf-8"), worked)


class _Sampler(threading.Thread):
    """Looks at the memory of a process and all its children until it is told to stop."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.peak = 0
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            total = 0
            try:
                root = psutil.Process(self.pid)
                tree = [root, *root.children(recursive=True)]
            except psutil.NoSuchProcess:
                return
            for process in tree:
                try:
                    total += process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            self.peak = max(self.peak, total)

    def stop(self) -> None:
        self._ended.set()
        self.join()


def deliver(inbox: Path, data: Path) -> None:
    """Put the files of an inbox into a data folder's; as links where that can be, for landing moves them anyway."""
    for file in sorted(path for path in inbox.rglob("*") if path.is_file()):
        to = data / "inbox" / file.relative_to(inbox)
        to.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(file, to)
        except OSError:
            shutil.copy2(file, to)


def tieout(data: Path, as_of: str, log: Path, mode: str = "daily") -> Run:
    """A measured `tieout run`."""
    command = [
        str(Path(sys.executable).with_name("tieout")),
        "run",
        "--data-dir",
        str(data),
        "--as-of",
        as_of,
        "--mode",
        mode,
        "--json",
    ]
    measured = measure(command, log)
    summary = json.loads(measured.output)
    if summary["laws"]["failed"]:
        raise BenchError(f"{summary['laws']['failed']} laws failed: {summary.get('failures')}")
    return Run(measured, summary, _nodes(data))


def _nodes(data: Path) -> dict[str, float]:
    """Seconds of each dbt node of the last run; none when dbt has left no results."""
    found = sorted((data / ".dbt").glob("*/run_results.json"), key=lambda path: path.stat().st_mtime)
    if not found:
        return {}
    file = found[-1]
    seconds: dict[str, float] = defaultdict(float)
    for result in json.loads(file.read_text(encoding="utf-8"))["results"]:
        kind, _, name = result["unique_id"].split(".")[:3]
        seconds["tests" if kind in ("test", "unit_test") else name] += result["execution_time"]
    return dict(seconds)


def say(text: str) -> None:
    """Tell how far it is, beside the report that goes to standard output."""
    print(text, file=sys.stderr, flush=True)


def tell(what: str, one: Measured) -> None:
    """Tell a measurement."""
    say(f"{what}: {one.seconds:.1f} s, {one.core_seconds:.1f} s of cores, {one.peak_bytes / GIGABYTE:.2f} GB")
