"""A project with a connector, its data folder, and the folder of a remote server."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration.landing import LandingReport, connectors, land_inbox, read_manifests
from orchestration.landing.connectors import Fetched
from tests.python.connectors.server import LOOPBACK, OpenSsh, open_ssh, sshd
from tests.python.pipeline.conftest import copy_of_mini

ROOT = Path(__file__).resolve().parents[3]
AS_OF = datetime(2026, 3, 2, tzinfo=UTC)
HEADER = "order_id,store_id,currency,total,sold_at,revision\n"


def orders(*ids: str) -> str:
    """A file of orders."""
    return HEADER + "".join(f"{one},S1,EUR,100,2026-03-01T10:00:00Z,1\n" for one in ids)


@dataclass
class World:
    """What a test works with. `connector` is what stands in `connectors/acme.yml`."""

    data: Path
    project: Path
    remote: Path
    connector: dict[str, Any]
    fetched: list[Fetched] = field(default_factory=list)

    def declare(self, **changes: Any) -> None:
        """Write the connector down, with some keys changed; `files` are changes of its one entry."""
        entry = {**self.connector["files"][0], **changes.pop("files", {})}
        self.connector = {**self.connector, **changes, "files": [entry]}
        folder = self.project / "connectors"
        folder.mkdir(exist_ok=True)
        text = yaml.safe_dump(self.connector, sort_keys=False, allow_unicode=True)
        (folder / "acme.yml").write_text(text, encoding="utf-8")

    def put(self, name: str, text: str | bytes, *, mtime: int | None = None) -> Path:
        """Put a file on the server."""
        file = self.remote / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        if mtime is not None:
            os.utime(file, (mtime, mtime))
        return file

    def fetch(self) -> Fetched:
        """Fetch by the connector."""
        (one,) = connectors.fetch(self.data, self.project)
        self.fetched.append(one)
        return one

    def land(self) -> LandingReport:
        """Land what was fetched, and tell the server."""
        origins = connectors.arrived(self.data)
        report = land_inbox(self.data, self.project, AS_OF, origins=origins)
        for committed in connectors.commit(self.data, self.project, report):
            assert committed.errors == ()
        return report

    def inbox(self) -> list[str]:
        """The files in the inbox, by their paths below it."""
        inbox = self.data / "inbox"
        return sorted(path.relative_to(inbox).as_posix() for path in inbox.rglob("*") if path.is_file())

    def there(self) -> list[str]:
        """The files on the server."""
        return sorted(path.relative_to(self.remote).as_posix() for path in self.remote.rglob("*") if path.is_file())

    def manifests(self) -> list[dict[str, Any]]:
        return read_manifests(self.data)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSsh]:
    """OpenSSH's server, one for all tests: what they share is a door, each has a folder of its own."""
    if sshd() is None:
        pytest.skip("there is no sshd on this machine (Debian: apt-get install openssh-server)")
    with open_ssh(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture
def world(server: OpenSsh, tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A connector that logs in by key and takes `*.csv` at its first look."""
    project, remote = copy_of_mini(tmp_path / "project"), tmp_path / "remote"
    (remote / "out").mkdir(parents=True)
    monkeypatch.setenv("ACME_KEY", server.user_key.read_text())
    monkeypatch.setattr("orchestration.landing.connectors.taking.FIRST_WAIT", 0.01)
    monkeypatch.setattr("orchestration.landing.connectors.taking.JITTER", 0.01)
    found = World(
        data_dir,
        project,
        remote,
        {
            "kind": "sftp",
            "org": "acme",
            "host": LOOPBACK,
            "port": server.port,
            "user": server.user,
            "auth": {"key": "${ACME_KEY}"},
            "known_hosts": server.known_hosts,
            "retries": 0,
            "files": [{"from": f"{remote}/out/*.csv", "feed": "pos/orders", "stable_for": "0 seconds"}],
        },
    )
    found.declare()
    return found
