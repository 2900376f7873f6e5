"""The command in processes that need not import it first.

To import Tieout and dbt takes two seconds, and the suite starts the command some hundreds of times. So one process for
each worker of the tests does it once, waits, and forks for each command. A command is a process of its own all the
same: with its arguments, folder, environment, output and exit code, and with a kill that ends nothing else.
"""

import atexit
import contextlib
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, NoReturn

ROOT = Path(__file__).resolve().parents[2]
# What console scripts call.
TIEOUT, DBT = "orchestration.cli:program", "dbt.cli.main:cli"
# What a run imports while it is at work.
IMPORTS = ("orchestration.pipeline", "dbt.cli.main", "dbt.adapters.duckdb", "dbt.adapters.postgres", "dbt.task.build")
# What only a process that starts takes notice of; a command that is given others is started in the usual way.
AT_START = ("PYTHON", "LD_", "LC_", "LANG", "TZ", "MALLOC")
# The longest request: arguments and environment.
MOST_BYTES = 1 << 20


def run(
    *arguments: str | Path,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    timeout: float = 300,
    program: str = TIEOUT,
) -> subprocess.CompletedProcess[str]:
    """`tieout` with arguments (or another program: module and function), whatever comes of it; its output is kept.
    `env` is its whole environment, by default that of this process.

    Raises:
        subprocess.TimeoutExpired: it did not end in `timeout` seconds, and was killed.
    """
    texts, env = [str(argument) for argument in arguments], dict(os.environ if env is None else env)
    command = [*started(program), *texts]
    if _at_start(env) != _at_start(os.environ):
        return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=timeout, check=False)
    request = json.dumps({"program": program, "arguments": texts, "env": env, "cwd": str(cwd)}).encode()
    assert len(request) < MOST_BYTES
    with (
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        socket.socket(socket.AF_UNIX) as line,
    ):
        line.connect(_server())
        socket.send_fds(line, [len(request).to_bytes(4, "big")], [out.fileno(), err.fileno()])
        line.sendall(request)
        with line.makefile("r") as said:
            pid = int(said.readline())
            line.settimeout(timeout)
            try:
                code = int(said.readline())
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(command, timeout, _all_of(out), _all_of(err)) from None
        return subprocess.CompletedProcess(command, code, _all_of(out), _all_of(err))


def started(program: str) -> tuple[str, str, str]:
    """The command that starts a program with this very Python: works before and after the package is installed."""
    module, _, name = program.partition(":")
    return sys.executable, "-c", f"from {module} import {name}; {name}()"


# For who starts it in a way of its own.
COMMAND = started(TIEOUT)


def _at_start(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith(AT_START)}


def _all_of(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


_address: list[str] = []


def _server() -> str:
    """The address of this process's own server, which is started at the first question and ends with this process."""
    if not _address:
        folder = tempfile.TemporaryDirectory(prefix="tieout-ready-")
        path = str(Path(folder.name) / "socket")
        # Its standard input ends when this process does, however that comes.
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.python.ready", path],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

        def end() -> None:
            assert process.stdin
            process.stdin.close()
            process.wait()
            folder.cleanup()

        atexit.register(end)
        assert process.stdout
        assert process.stdout.readline(), "the server did not start"
        _address.append(path)
    return _address[0]


# --- in the server ----------------------------------------------------------------------------------------------------


def _serve(path: str) -> NoReturn:
    """Import what a command needs, then fork for each that is asked for, until nobody is left to ask."""
    from orchestration.collecting import collect_rarely
    from orchestration.dbt_savings import codecs_made_when_used

    collect_rarely()
    codecs_made_when_used()
    for name in IMPORTS:
        importlib.import_module(name)
    # Nobody waits for the processes that wait for a command.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    print("ready", flush=True)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)
    while True:
        ready, _, _ = select.select([listener, sys.stdin], [], [])
        if sys.stdin in ready:
            os._exit(0)
        line, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            os.dup2(nothing, 0)
            _keep(line)
        line.close()


def _keep(line: socket.socket) -> NoReturn:
    """Start the command that is asked for, and tell its number and how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    length, descriptors, _, _ = socket.recv_fds(line, 4, 2)
    request = json.loads(_read(line, int.from_bytes(length, "big")))
    pid = os.fork()
    if pid == 0:
        line.close()
        _become(request, *descriptors)
    with contextlib.suppress(BrokenPipeError):
        line.sendall(f"{pid}\n".encode())
        _, status = os.waitpid(pid, 0)
        line.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _read(line: socket.socket, length: int) -> bytes:
    found = b""
    while len(found) < length:
        piece = line.recv(length - len(found))
        if not piece:
            os._exit(1)
        found += piece
    return found


def _become(request: dict, out: int, err: int) -> NoReturn:  # type: ignore[type-arg]
    """Be the command: Python ends as after any script, if the command does not end it at once."""
    for given, place in ((out, 1), (err, 2)):
        os.dup2(given, place)
        os.close(given)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.argv = ["-c", *request["arguments"]]
    sys.path[0] = ""
    module, _, name = request["program"].partition(":")
    getattr(importlib.import_module(module), name)()
    sys.exit()


if __name__ == "__main__":
    _serve(sys.argv[1])
