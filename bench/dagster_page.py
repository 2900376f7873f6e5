"""How soon the page that `make up` starts can be used, what it holds when nothing runs, and how soon it stops."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.measuring import GIGABYTE, ROOT, BenchError, Target, say

MAX_SECONDS = 10.0
PATIENCE = 120.0
IDLE_AFTER = 20.0  # seconds until the daemons have looked at everything once
ASSETS = "{ assetNodes { id } }"


@dataclass(frozen=True)
class Page:
    """What was measured: seconds from the start of the command until the page's own question for all assets is
    answered, bytes that all its processes hold when nothing runs (shared pages counted once), seconds to stop."""

    up_seconds: float
    idle_bytes: int
    stop_seconds: float

    def targets(self) -> list[Target]:
        """The limit."""
        return [Target("Dagster, from `make up` to a usable page", self.up_seconds, MAX_SECONDS, " s")]


def go(data: Path, work: Path) -> Page:
    """Start Dagster on a data folder that a run has worked in, measure, and stop it.

    Raises:
        BenchError: its page does not come up.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "orchestration.dagster_dev", "--data-dir", str(data), "--port", str(port)]
    log = work / "logs" / "page.log"
    with log.open("wb") as out:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out, start_new_session=True)
    try:
        while not _answers(port):
            if process.poll() is not None or time.perf_counter() - started > PATIENCE:
                raise BenchError(f"Dagster's page does not come up:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)
        up = time.perf_counter() - started
        time.sleep(IDLE_AFTER)
        tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        idle = sum(one.memory_full_info().pss for one in tree)
        asked = time.perf_counter()
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)
        page = Page(up, idle, time.perf_counter() - asked)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    say(f"page: {page.up_seconds:.1f} s, {page.idle_bytes / GIGABYTE:.2f} GB idle, {page.stop_seconds:.1f} s to stop")
    return page


def _answers(port: int) -> bool:
    """Whether the page gets its assets."""
    question = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        json.dumps({"query": ASSETS}).encode(),
        {"content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(question, timeout=5) as answer:
            return bool((json.loads(answer.read()).get("data") or {}).get("assetNodes"))
    except (OSError, ValueError):
        return False


def report(page: Page) -> list[str]:
    """The measurement as lines of the page of benchmarks."""
    return [
        "## Dagster on a laptop",
        "",
        "`make up` on the folder of the examples, from its start until the page's question for all assets is answered;",
        "the memory of all its processes when nothing runs, shared pages counted once; and from Ctrl-C to its end.",
        "",
        "| up, seconds | idle, GB | stop, seconds |",
        "|---|---|---|",
        f"| {page.up_seconds:.1f} | {page.idle_bytes / GIGABYTE:.2f} | {page.stop_seconds:.1f} |",
        "",
    ]
