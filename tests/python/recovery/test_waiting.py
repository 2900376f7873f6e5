"""Waiting for the data folder, the landing and the warehouse: not at all, until it is free, until the time is over."""

import fcntl
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import duckdb
import pytest
from click.testing import CliRunner

from orchestration import pipeline
from orchestration.audit import failures
from orchestration.audit.ledger import open_ledger
from orchestration.cli import main
from orchestration.commands.shared import Duration
from orchestration.data_dir import SETTLING, DataDir
from orchestration.environment import Place
from orchestration.errors import BusyError
from orchestration.landing.lock import landing_lock
from orchestration.waiting import Patience
from orchestration.waiting import said as in_words
from tests.python.ready import COMMAND, ROOT

# Another process has the file open until it is told to let go.
HOLDER = (
    "import duckdb, sys; held = duckdb.connect(sys.argv[1], read_only={read_only}); print('open', flush=True); input()"
)


@contextmanager
def held(file: Path, holder: bytes, seconds: float) -> Iterator[None]:
    """Hold a lock file for some time."""
    with file.open("wb") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        handle.write(holder)
        handle.flush()
        timer = threading.Timer(seconds, lambda: fcntl.flock(handle, fcntl.LOCK_UN))
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()


@contextmanager
def opened_elsewhere(file: Path, *, read_only: bool) -> Iterator[subprocess.Popen[str]]:
    """Have another process open a DuckDB file; ending its stdin closes it."""
    code = HOLDER.format(read_only=read_only)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", code, str(file)], **pipes) as process:
        assert process.stdout.readline() == "open\n"
        yield process


def test_without_patience_nobody_waits(data_dir: Path) -> None:
    data, started = DataDir.at(data_dir), time.monotonic()
    with (
        held(data_dir / ".lock", b"process 1, tieout run", 60),
        pytest.raises(BusyError, match=r"in use by another run \(process 1, tieout run\)"),
        data.lock("tieout run"),
    ):
        pass
    assert time.monotonic() - started < 1


def test_who_waits_is_told_for_whom_and_gets_the_folder(data_dir: Path) -> None:
    heard: list[str] = []
    with (
        held(data_dir / ".lock", b"process 1, tieout run", 0.5),
        DataDir.at(data_dir).lock("tieout land", wait=30, tell=heard.append),
    ):
        pass
    assert heard == ["Waiting for another run (process 1, tieout run) (30 seconds at most)."]


@pytest.mark.parametrize("holder", [b"process 1, tieout alerts", b"process 1, settling the audit", b""])
def test_who_holds_the_folder_for_a_moment_is_waited_for_unasked(data_dir: Path, holder: bytes) -> None:
    with held(data_dir / ".lock", holder, 0.3), DataDir.at(data_dir).lock("tieout run"):
        pass
    with (
        held(data_dir / ".lock", b"process 1, tieout alerts", 60),
        pytest.raises(BusyError, match="tieout alerts"),
        DataDir.at(data_dir).lock(SETTLING),
    ):
        pass


def test_patience_ends(data_dir: Path) -> None:
    started = time.monotonic()
    with (
        held(data_dir / ".lock", b"process 1", 60),
        pytest.raises(BusyError, match="process 1"),
        DataDir.at(data_dir).lock("tieout land", wait=0.5),
    ):
        pass
    assert 0.5 <= time.monotonic() - started < 5


def test_many_who_wait_all_come_in(data_dir: Path) -> None:
    inside, most = [0], [0]

    def work() -> None:
        with DataDir.at(data_dir).lock("tieout run", wait=60):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            time.sleep(0.02)
            inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    assert most == [1]


def test_a_landing_waits_for_another(data_dir: Path) -> None:
    patience = Patience(30)
    with held(data_dir / ".landing.lock", b"", 0.4), landing_lock(data_dir, patience):
        pass
    assert patience.seconds < 30


@pytest.mark.parametrize("read_only", [True, False])
def test_a_warehouse_that_is_open_elsewhere_is_waited_for(data_dir: Path, read_only: bool) -> None:
    place = Place(DataDir.at(data_dir), "duckdb", replay=False)
    duckdb.connect(str(data_dir / "warehouse.duckdb")).close()
    heard: list[str] = []
    with opened_elsewhere(data_dir / "warehouse.duckdb", read_only=read_only) as other:
        refused = pytest.raises(BusyError, match=rf"open in another program, .* \(PID {other.pid}\)")
        with refused as caught, open_ledger(place, write=True):
            pass
        assert "published/tieout.duckdb" in str(caught.value)
        assert failures.of_error(caught.value).failure_class == failures.ENGINE
        timer = threading.Timer(0.5, other.stdin.close)
        timer.start()
        with open_ledger(place, write=True, patience=Patience(30, heard.append)) as ledger:
            assert ledger.exists()
        timer.join()
    assert len(heard) == 1
    assert f"(PID {other.pid})" in heard[0]


def test_the_proof_of_the_audit_waits_for_a_run(data_dir: Path) -> None:
    with open_ledger(Place(DataDir.at(data_dir), "duckdb", replay=False), write=True):
        pass
    command = ["audit", "verify", "--data-dir", str(data_dir)]
    with opened_elsewhere(data_dir / "warehouse.duckdb", read_only=False) as other:
        refused = CliRunner().invoke(main, command)
        timer = threading.Timer(0.5, lambda: other.communicate("\n"))
        timer.start()
        waited = CliRunner().invoke(main, [*command, "--wait", "1m"])
        timer.join()
    assert refused.exit_code == 2
    assert f"(PID {other.pid})" in refused.stderr
    assert waited.exit_code == 0, waited.output
    assert "Waiting for" in waited.stderr


def test_landing_by_command_waits(data_dir: Path) -> None:
    (data_dir / "inbox").mkdir()
    with held(data_dir / ".lock", b"process 1", 0.5):
        report, lapses = pipeline.land(data_dir, None, wait=30)
    assert (report.batches, lapses) == (0, [])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_waits_can_be_stopped(data_dir: Path, number: signal.Signals) -> None:
    with held(data_dir / ".lock", b"process 1, tieout run", 120):
        command = [*COMMAND, "land", "--wait", "2m", "--data-dir", str(data_dir)]
        with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr.readline() == "Waiting for another run (process 1, tieout run) (2 minutes at most).\n"
            process.send_signal(number)
            said = process.stderr.read()
    assert process.returncode == 130
    assert said == "tieout: stopped; nothing was published, and the next run carries on from here.\n"


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("10m", 600), ("2 hours", 7200), ("0s", 0)])
def test_a_time_to_wait_is_read(text: str, seconds: float) -> None:
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "-1s", "ten", "90", "1:30", "nan"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="allowed is a whole number and its unit"):
        Duration().convert(text, None, None)


def test_times_are_said_for_people() -> None:
    assert [in_words(seconds) for seconds in (1, 90, 600, 5400, 7200)] == [
        "1 seconds",
        "90 seconds",
        "10 minutes",
        "90 minutes",
        "2 hours",
    ]
