"""Code server, web page and daemon, each a process of its own, on the settings of deploy/: they start, a run that is
launched from the page succeeds, its record lies in Postgres, health checks answer, and they end in the time that
their units give them."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.python.deploy.conftest import DEPLOY, ROOT, free_port
from tests.python.laws.harness import on_postgres

BIN = Path(sys.executable).parent
LAUNCH = """mutation($params: ExecutionParams!) { launchRun(executionParams: $params) { __typename
  ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
STATUS = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
LOCATIONS = """{ workspaceOrError { ... on Workspace { locationEntries { name loadStatus
  locationOrLoadError { __typename ... on PythonError { message } } } } } }"""
MODULE = os.environ.get("TIEOUT_TEST_SERVER_MODULE", "tests.python.deploy.tiny_definitions")
JOB = os.environ.get("TIEOUT_TEST_SERVER_JOB", "tiny")


def said(file: str, key: str) -> str:
    """What a unit says."""
    lines = (DEPLOY / "systemd" / file).read_text(encoding="utf-8").splitlines()
    (value,) = [line.removeprefix(f"{key}=") for line in lines if line.startswith(f"{key}=")]
    return value


def commands(file: str, key: str = "ExecStart") -> list[str]:
    """What a unit starts, with this environment's programs."""
    return shlex.split(said(file, key).replace("/opt/tieout/.venv/bin", str(BIN)).replace("/opt/tieout", str(ROOT)))


@contextmanager
def started(
    arguments: list[str], environment: dict[str, str], log: Path, until: list[str] | None = None, stops_within: int = 30
) -> Iterator[subprocess.Popen[bytes]]:
    """A process, started and stopped as systemd does it: it heeds every signal, and is stopped with all that it has
    started. One that has not ended after `stops_within` seconds is an error, told with what it was doing. `until`: a
    command that ends when it is up, as a unit's `ExecStartPost` does; what is ordered after it starts then."""
    # Told to abort, Python says where each of its threads is.
    environment = {**environment, "PYTHONFAULTHANDLER": "1"}
    with log.open("wb") as sink:
        process = subprocess.Popen(
            arguments,
            cwd=log.parent,
            env=environment,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=heed_interrupts,
        )
        try:
            if until:
                subprocess.run(until, env=environment, stdout=sink, stderr=sink, timeout=180, check=True)
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(timeout=stops_within)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGABRT)
                process.wait(timeout=30)
                doing = log.read_text(encoding="utf-8", errors="replace")[-6000:]
                raise AssertionError(f"{log.name}: killed after {stops_within} s: {doing}") from None
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)


def heed_interrupts() -> None:
    """What a shell starts with `&` ignores Ctrl-C, and so does all that it starts; Dagster takes a request to end for
    one, and would never end."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def until(what: str, answer: Any, logs: Path, seconds: float = 180) -> Any:
    """Ask until the answer is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if found := answer():
                return found
        except OSError:
            pass
        time.sleep(0.3)
    told = "\n".join(f"== {file.name}\n{file.read_text()[-1500:]}" for file in sorted(logs.glob("*.log")))
    raise AssertionError(f"{what} did not come within {seconds} s\n{told}")


def graphql(url: str, query: str, **variables: Any) -> dict[str, Any]:
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(f"{url}/graphql", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        said = json.load(answer)
    assert "errors" not in said, said
    return said["data"]


@pytest.mark.postgres
@pytest.mark.xdist_group("deploy")
def test_a_run_launched_from_the_page_succeeds_and_stands_in_postgres(
    dagster_postgres: dict[str, str], tmp_path: Path
) -> None:
    shutil.copyfile(DEPLOY / "dagster.yaml", tmp_path / "dagster.yaml")
    code, page = free_port(), free_port()
    environment = {
        **os.environ,
        **dagster_postgres,
        "DAGSTER_HOME": str(tmp_path),
        "DAGSTER_CODE_HOST": "127.0.0.1",
        "DAGSTER_CODE_PORT": str(code),
        "PYTHONPATH": str(ROOT),
        "PATH": f"{BIN}:{os.environ['PATH']}",
    }
    url = f"http://127.0.0.1:{page}"
    of_code = [part.replace("orchestration.definitions", MODULE) for part in commands("tieout-code.service")]
    of_code = [part.replace("--port=4000", f"--port={code}") for part in of_code]
    of_page = [part.replace("--port=3000", f"--port={page}") for part in commands("tieout-webserver.service")]
    is_up = [part.replace("--port=4000", f"--port={code}") for part in commands("tieout-code.service", "ExecStartPost")]
    # The server gives a call that is under way a minute.
    patience = int(said("tieout-code.service", "TimeoutStopSec"))
    check_code = [str(BIN / "dagster"), "api", "grpc-health-check", "--port", str(code)]
    with (
        started(of_code, environment, tmp_path / "code.log", until=is_up, stops_within=patience),
        started(of_page, environment, tmp_path / "webserver.log") as webserver,
        started(commands("tieout-daemon.service"), environment, tmp_path / "daemon.log") as daemon,
    ):

        def is_loaded() -> bool:
            (location,) = graphql(url, LOCATIONS)["workspaceOrError"]["locationEntries"]
            failure = (location["locationOrLoadError"] or {}).get("message")
            return location["loadStatus"] == "LOADED" and failure is None

        until("the page", is_loaded, tmp_path)
        with urllib.request.urlopen(f"{url}/server_info", timeout=10) as info:
            assert "dagster_webserver_version" in json.load(info)
        selector = {"repositoryLocationName": "tieout", "repositoryName": "__repository__", "jobName": JOB}
        launched = graphql(url, LAUNCH, params={"selector": selector, "runConfigData": {}})["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        run_id = launched["run"]["runId"]

        def ended() -> str | None:
            status = graphql(url, STATUS, id=run_id)["runOrError"]["status"]
            return status if status in ("SUCCESS", "FAILURE", "CANCELED") else None

        assert until("the end of the run", ended, tmp_path) == "SUCCESS"
        assert (
            subprocess.run(check_code, env=environment, capture_output=True, timeout=120, check=False).returncode == 0
        )
        alive = subprocess.run(
            [str(BIN / "dagster-daemon"), "liveness-check"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert alive.returncode == 0, alive.stdout + alive.stderr
        assert webserver.poll() is None
        assert daemon.poll() is None
    # Not in a file of DAGSTER_HOME: two machines may have the page and the daemon.
    assert on_postgres(dagster_postgres, f"select status from runs where run_id = '{run_id}'") == [[("SUCCESS",)]]
    assert not list(tmp_path.rglob("*.db"))
    # What runs print is what `tieout purge` clears: it lies where that looks.
    assert (tmp_path / "storage" / run_id / "compute_logs").is_dir()
