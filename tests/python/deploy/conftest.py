"""A server as deploy/ sets it up: Dagster's storage in Postgres, reached by TCP like a server's."""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.python.laws.harness import Server

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


class _Forwarded(socketserver.BaseRequestHandler):
    """One connection, handed on to the Unix socket of the tests' Postgres server, which does not listen on TCP."""

    def handle(self) -> None:
        with socket.socket(socket.AF_UNIX) as inner:
            inner.connect(self.server.inner)  # type: ignore[attr-defined]
            back = threading.Thread(target=_pump, args=(inner, self.request), daemon=True)
            back.start()
            _pump(self.request, inner)
            back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(65536):
            sink.sendall(chunk)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


class _Forwarder(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    inner: str


@pytest.fixture(scope="module")
def dagster_postgres(postgres_server: Server) -> Iterator[dict[str, str]]:
    """An empty database for Dagster; yields the variables of deploy/dagster.yaml."""
    named = postgres_server.new_database()
    forwarder = _Forwarder(("127.0.0.1", 0), _Forwarded)
    forwarder.inner = f"{postgres_server.host}/.s.PGSQL.{postgres_server.port}"
    thread = threading.Thread(target=forwarder.serve_forever, daemon=True)
    thread.start()
    yield {
        "DAGSTER_PG_HOST": "127.0.0.1",
        "DAGSTER_PG_PORT": str(forwarder.server_address[1]),
        "DAGSTER_PG_USER": postgres_server.user,
        "DAGSTER_PG_PASSWORD": postgres_server.password or "unused",
        "DAGSTER_PG_DATABASE": named["TIEOUT_PG_DATABASE"],
    }
    forwarder.shutdown()
    forwarder.server_close()
