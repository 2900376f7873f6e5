"""A run goes on after trouble that passes, never after a broken law, and never longer than it may."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from tenacity import wait_exponential_jitter

from orchestration import pipeline, running
from orchestration.audit import failures, recorder
from orchestration.audit.failures import RunFailure, passes, text_passes
from orchestration.data_dir import DataDir, write_json
from orchestration.dbt_build import BuildOutcome, Failure
from orchestration.durations import in_words
from orchestration.errors import BusyError, RunTimeoutError, TieoutError, UsageError
from orchestration.landing import inbox
from orchestration.landing.connectors import Fetched
from orchestration.landing.text import read_raw
from orchestration.pipeline import Request
from orchestration.publish import versions
from orchestration.streams import Retries
from tests.python.pipeline.conftest import MINI, Mini, copy_of_mini

AS_OF = datetime(2026, 3, 3, 6, tzinfo=UTC)
AWAY = "server closed the connection unexpectedly"


class OperationalError(Exception):
    """Named like the driver's."""


def wrapped(error: Exception, inner: Exception) -> Exception:
    error.__cause__ = inner
    return error


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (OperationalError("terminating connection due to administrator command"), True),
        (wrapped(UsageError("Postgres cannot be reached"), OperationalError("Connection refused")), True),
        (ConnectionResetError(104, "Connection reset by peer"), True),
        (OSError(5, "Input/output error"), True),
        (wrapped(TieoutError("landing"), OSError(116, "Stale file handle")), True),
        # What does not pass by itself.
        (OSError(28, "No space left on device"), False),
        (OperationalError("FATAL: password authentication failed for user"), False),
        (OperationalError("could not extend file: No space left on device"), False),
        (MemoryError("out of memory"), False),
        (UsageError("There is no stream 'x'."), False),
        (BusyError("in use by another run"), False),
        (wrapped(BusyError("in use"), duckdb.IOException("Could not set lock on file")), False),
        (RunTimeoutError("The run was stopped: timed out"), False),
        (KeyError("a bug"), False),
        (TieoutError("the server did not answer: timed out"), True),
        (duckdb.ConversionException("Conversion Error: Could not convert string 'TIMEOUT' to INT32"), False),
        (TieoutError("Conversion Error: Could not convert timed out to INT32"), False),
        (TieoutError("There is no setting timeout_at"), False),
        (KeyboardInterrupt(), False),
    ],
)
def test_trouble_that_passes(error: BaseException, again: bool) -> None:
    assert passes(error) is again


@pytest.mark.parametrize(
    ("cause", "text", "again"),
    [
        (failures.ENGINE, f"Database Error: {AWAY}", True),
        (failures.ENGINE, "deadlock detected", True),
        (failures.ENGINE, "No space left on device", False),
        (failures.ENGINE, "something nobody knows", False),
        (failures.ENGINE, "connection to server at 10.0.0.1 failed: timeout expired", True),
        (failures.ENGINE, 'column "timeout_at" is not what it was', False),
        (failures.LAW, "3 rows contradict it: timeout", False),
        (failures.INPUT, "Conversion Error: connection reset", False),
    ],
)
def test_nodes_whose_trouble_passes(cause: str, text: str, again: bool) -> None:
    assert text_passes(cause, text) is again


@pytest.mark.parametrize(
    ("length", "words"), [(90, "90 seconds"), (60, "1 minute"), (7200, "2 hours"), (86_400, "1 day"), (1, "1 second")]
)
def test_lengths_in_words(length: int, words: str) -> None:
    assert in_words(timedelta(seconds=length)) == words


@pytest.fixture
def here(mini: Mini, monkeypatch: pytest.MonkeyPatch) -> Mini:
    """The mini project in this process, without long pauses between tries."""
    monkeypatch.setenv("TIEOUT_PROJECT_DIR", str(MINI))
    quick = Retries(3, timedelta(milliseconds=20), timedelta(milliseconds=40))
    monkeypatch.setattr(running.stream_pages, "retries_of", lambda pages: quick)
    mini.deliver("orders.csv", "A1:1000")
    return mini


def attempts(mini: Mini) -> list[tuple[str, int, str | None]]:
    """All that the audit says of runs: state, attempt, code of the failure."""
    with duckdb.connect(str(mini.root / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(
            "select state, attempt, failure_code from audit.reconciliation_runs order by sequence_number"
        ).fetchall()


def request(mini: Mini, **more: Any) -> Request:
    return Request(mini.root, as_of=AS_OF, **more)


def once(real: Callable[..., Any], error: Exception) -> Callable[..., Any]:
    """What fails once and works then."""
    left = [error]

    def flaky(*given: Any, **named: Any) -> Any:
        if left:
            raise left.pop()
        return real(*given, **named)

    return flaky


def test_every_part_is_tried_again_and_the_audit_hears_of_each_attempt(
    here: Mini, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the audit knows of the run, in the build, and after it."""
    real, builds = running.dbt_build.build, []

    def lost(*given: Any, **named: Any) -> BuildOutcome:
        builds.append(1)
        if len(builds) == 1:
            return BuildOutcome(1, 0, 0, [Failure("orders", "model", f"model orders: {AWAY}", failures.ENGINE)])
        return real(*given, **named)

    reset, stale = ConnectionResetError(104, "Connection reset by peer"), OSError(116, "Stale file handle")
    monkeypatch.setattr(running, "land_inbox", once(running.land_inbox, reset))
    monkeypatch.setattr(running.dbt_build, "build", lost)
    monkeypatch.setattr(running.publish, "publish", once(running.publish.publish, stale))
    assert pipeline.run(request(here)).closed
    assert attempts(here) == [
        *[("QUEUED", 1, None), ("RUNNING", 1, None), ("FAILED", 1, "ConnectionResetError")],
        *[("QUEUED", 2, None), ("RUNNING", 2, None), ("FAILED", 2, "orders")],
        *[("QUEUED", 3, None), ("RUNNING", 3, None), ("FAILED", 3, "OSError")],
        *[("QUEUED", 4, None), ("RUNNING", 4, None), ("SUCCEEDED", 4, None)],
    ]
    (record,) = here.records()
    assert [retry["part"] for retry in record["retries"]] == ["landing", "dbt", "publish"]
    assert record["retries_told"] == 3
    logged = [json.loads(line) for line in (here.root / "logs" / "tieout.jsonl").read_text().splitlines()]
    told = [(line["run_id"], line["step"], line["part"]) for line in logged if line["event"] == "tried_again"]
    assert told == [(record["run_id"], part, part) for part in ("landing", "dbt", "publish")]
    assert here.tieout("audit", "verify").code == 0


def test_each_pause_is_twice_the_one_before_up_to_the_longest_and_by_chance_a_little_more() -> None:
    pauses = running._waits(Retries(5, timedelta(seconds=4), timedelta(seconds=20)), wait_exponential_jitter)
    taken = [[pauses(SimpleNamespace(attempt_number=number)) for _ in range(50)] for number in (1, 2, 3, 4)]
    for found, (least, most) in zip(taken, [(4, 6), (8, 10), (16, 18), (20, 20)], strict=True):
        assert least <= min(found)
        assert max(found) <= most
    assert all(len(set(found)) > 1 for found in taken[:3]), "many who lost one server come back at different moments"


def unreadable_once(name: str, times: int) -> Callable[..., Any]:
    """Reading a file of this name fails as a bad disk does, so many times."""
    left = [OSError(5, "Input/output error")] * times

    def flaky(path: Path, *given: Any) -> Any:
        if path.name == name and left:
            raise left.pop()
        return read_raw(path, *given)

    return flaky


@pytest.mark.parametrize("times", [1, 9])
def test_what_a_landing_did_before_it_failed_counts(here: Mini, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """One file lands, one goes to the failed, and the disk fails at the third; once, or for good."""
    here.deliver("a.csv", "A2:1000")
    (here.root / "inbox/acme/pos/orders/b.csv").write_bytes(b"\x00nothing")
    monkeypatch.setattr(inbox, "read_raw", unreadable_once("orders.csv", times))
    run = pipeline.prepare(request(here))
    if times > 1:
        with pytest.raises(TieoutError, match="Input/output"):
            run.land()
    else:
        outcomes = {file.file.rsplit("/")[-1]: file.outcome for file in run.land().files}
        assert outcomes == {"a.csv": "landed", "b.csv": "failed", "orders.csv": "landed"}
    landed = 1 if times > 1 else 2
    assert run.record.landed == {"batches": landed, "rows": landed, "rejected": 0, "redelivered": 0, "failed_files": 1}


def test_a_landing_that_is_done_again_adds_to_what_was_there(here: Mini, monkeypatch: pytest.MonkeyPatch) -> None:
    run = pipeline.prepare(request(here))
    bank = {"bank": ("no route", []), "psp": ("no key", ["odd.csv: no feed"])}
    monkeypatch.setattr(
        run, "fetch", lambda: [Fetched(name, ["x"], 7, problems=said[1], error=said[0]) for name, said in bank.items()]
    )
    run.land()
    bank["bank"] = (None, ["odd"])
    run.land()
    assert run.record.lapses == ["Connector psp: no key", "Connector psp: odd.csv: no feed", "Connector bank: odd"]
    assert (run.record.connectors["bank"]["files"], run.record.connectors["bank"]["error"]) == (2, None)
    # A run that breaks off tells the audit, too, what it had gone on without.
    run.break_off(TieoutError("no"))
    with duckdb.connect(str(here.root / "warehouse.duckdb"), read_only=True) as connection:
        said = connection.execute("select lapses from audit.reconciliation_runs where state = 'FAILED'").fetchall()
    assert [json.loads(text) for (text,) in said] == [run.record.lapses]


def test_after_the_last_try_the_run_has_failed(here: Mini, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def away(*given: Any, **named: Any) -> None:
        tries.append(1)
        raise TieoutError(AWAY)

    monkeypatch.setattr(running, "land_inbox", away)
    with pytest.raises(TieoutError, match="server closed"):
        pipeline.run(request(here))
    assert len(tries) == 3
    assert attempts(here)[-1] == ("FAILED", 3, "TieoutError")


def test_a_broken_law_is_not_tried_again(here: Mini, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []
    law = Failure("law_1", "test", "test law_1: 1 row contradicts it.", failures.LAW)
    lost = Failure("orders", "model", f"model orders: {AWAY}", failures.ENGINE)

    def broken(*given: Any, **named: Any) -> BuildOutcome:
        tries.append(1)
        return BuildOutcome(2, 0, 1, [law, lost])

    monkeypatch.setattr(running.dbt_build, "build", broken)
    assert not pipeline.prepare(request(here)).build().ok
    assert len(tries) == 1


def test_tries_of_one_request_are_attempts_of_it(here: Mini) -> None:
    """What Dagster starts again is the same request: the audit counts on."""
    keys = []
    for suffix in ("one", "two"):
        asked = Request(here.root, asked_as="dagster/1234")
        run = pipeline.prepare(asked, started=datetime.now(UTC), run_suffix=suffix)
        keys.append(recorder.idempotency_key(run.record.requested))
        run.break_off(TieoutError("no"))
    assert keys[0] == keys[1]
    assert [attempt for _, attempt, _ in attempts(here)] == [1, 1, 1, 2, 2, 2]


# One query that takes minutes on every machine.
SLOW = "select count(*) as n from range(100000000) a, range(100000) b where (a.range * b.range) % 7 = 3"


def test_a_run_is_stopped_when_its_time_is_over(mini: Mini, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = copy_of_mini(tmp_path / "project")
    slow = project / "models" / "marts" / "slow.sql"
    slow.write_text("{{ config(materialized='table') }}\n" + SLOW)
    monkeypatch.setenv("TIEOUT_PROJECT_DIR", str(project))
    mini.deliver("orders.csv", "A1:1000")
    started = time.monotonic()
    with pytest.raises(RunTimeoutError, match="took longer than 10 seconds"):
        pipeline.run(request(mini, timeout=timedelta(seconds=10)))
    assert time.monotonic() - started < 60
    (record,) = mini.records()
    assert record["state"] == "FAILED"
    assert record["failure"]["failure_code"] == "TIMEOUT"
    assert record["built"]
    assert attempts(mini)[-1] == ("FAILED", 1, "TIMEOUT")
    assert not (mini.root / "published").exists()
    (letter,) = mini.tieout("audit", "dead-letters", "--json").json
    assert "raise `timeout`" in letter["what_to_do"]
    # The warehouse is free, and the next run converges.
    slow.unlink()
    assert pipeline.run(Request(mini.root, as_of=AS_OF + timedelta(minutes=1))).closed


def test_the_failure_of_a_timeout_says_what_to_do() -> None:
    failure = failures.of_error(RunTimeoutError("The run was stopped."))
    assert failure == RunFailure(failures.ENGINE, "TIMEOUT", "The run was stopped.")
    assert "raise `timeout`" in failures.what_to_do(failure)
    assert failures.what_to_do(failures.crash()) == failures.WHAT_TO_DO[failures.ENGINE]


STOPPED = """
import sys, time
from pathlib import Path
from orchestration import pipeline
with pipeline.stoppable():
    run = pipeline.prepare(pipeline.Request(Path(sys.argv[1])))
    try:
        run.land()
        print("landed", flush=True)
        time.sleep(60)
    except BaseException as error:
        run.break_off(error)
"""


def test_how_a_run_ends_is_said_whatever_asks_it_to_stop_again(here: Mini, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its time is over while it says so, and the scheduler grows impatient."""
    real = running.Run.break_off

    def interrupted(run: running.Run, error: BaseException) -> None:
        assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
        os.kill(os.getpid(), signal.SIGTERM)
        real(run, error)

    def stopped(run: running.Run) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)

    monkeypatch.setattr(running.Run, "break_off", interrupted)
    monkeypatch.setattr(running.Run, "land", stopped)
    with pytest.raises(KeyboardInterrupt):
        pipeline.run(request(here, timeout=timedelta(seconds=300)))
    (record,) = here.records()
    assert (record["state"], record["audited"]) == ("CANCELLED", True)


@pytest.mark.parametrize("stopped", [KeyboardInterrupt(), PermissionError(13, "Permission denied")])
def test_what_readers_see_is_not_called_cancelled(
    here: Mini, monkeypatch: pytest.MonkeyPatch, stopped: BaseException
) -> None:
    """Whatever breaks in while versions of long ago are removed: the swap has been made."""

    def swapped(data: DataDir, *_: object, **__: object) -> None:
        version = versions.begin(data)
        write_json(version / versions.MANIFEST, {})
        versions.swap(data, version)
        raise stopped

    monkeypatch.setattr(running.publish, "publish", swapped)
    monkeypatch.setattr(running, "open_warehouse", lambda *_: contextlib.nullcontext())
    monkeypatch.setattr(running.Run, "build", lambda _: BuildOutcome(1, 0, 0, []))
    monkeypatch.setattr(running.Run, "note_steps", lambda *_: None)
    with pytest.raises(type(stopped)) as raised:
        pipeline.run(request(here))
    assert isinstance(stopped, Exception) or "published" in raised.value.args
    (record,) = here.records()
    assert (record["state"], record["published"]) == ("CLOSED", True)
    assert attempts(here)[-1][0] == "SUCCEEDED"


def test_the_timer_is_off_before_a_failed_build_is_brought_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[float] = []
    monkeypatch.setattr(running.Run, "note_steps", lambda *_: left.append(signal.getitimer(signal.ITIMER_REAL)[0]))
    monkeypatch.setattr(running.Run, "close", lambda *_: None)
    with pipeline.stoppable() as stop:
        stop.after(300)
        running.Run.finish(object.__new__(running.Run), BuildOutcome(1, 0, 0, []))
    assert left == [0]


def test_a_stop_between_two_steps_is_told(here: Mini) -> None:
    """As the worker of a scheduler is stopped: the process hears of it, and record and audit say so."""
    process = subprocess.Popen(
        [sys.executable, "-c", STOPPED, str(here.root)], env=here.environment(), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "landed\n"
    os.kill(process.pid, signal.SIGTERM)
    process.wait(30)
    (record,) = here.records()
    assert record["state"] == "CANCELLED"
    assert record["audited"]
    assert attempts(here)[-1][0] == "CANCELLED"
