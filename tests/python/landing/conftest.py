"""What the landing's tests share: a data folder with an inbox, reading back what has landed, a real Postgres server."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.landing import LandingReport, land_inbox, load_feeds, read_manifests

PROJECT = Path(__file__).parents[3]
AS_OF = datetime(2026, 2, 1, 12, tzinfo=UTC)
HEADER = "order_id,store_id,status,currency,total,created_at,updated_at"
META = ("_org_id", "_feed", "_batch_id", "_source_file", "_received_at")


def order(number: int, **values: str) -> str:
    """One good line of pos/orders, without its line end."""
    row = {
        "order_id": f"O{number}",
        "store_id": "S1",
        "status": "PAID",
        "currency": "EUR",
        "total": f"{number}.50",
        "created_at": "2026-01-31T10:00:00Z",
        "updated_at": "2026-01-31T10:05:00Z",
    }
    return ",".join({**row, **values}.values())


@dataclass
class Inbox:
    """A data folder under test."""

    data: Path

    def put(self, content: bytes | str, name: str = "orders.csv", org: str = "acme", feed: str = "pos/orders") -> Path:
        folder = self.data / "inbox" / org / feed
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def land(self, as_of: datetime = AS_OF, **options: Any) -> LandingReport:
        return land_inbox(self.data, PROJECT, as_of, **options)

    def manifest(self) -> dict[str, Any]:
        """The manifest of the only batch."""
        (manifest,) = read_manifests(self.data)
        return manifest

    def records(self, manifest: dict[str, Any] | None = None, meta: bool = False) -> list[dict[str, Any]]:
        """The records of a batch (by default the only one), with their row numbers."""
        path = f"{(manifest or self.manifest())['path']}/records.parquet"
        rows = _rows("select * from read_parquet(?, file_row_number=true)", path)
        for row in rows:
            position = row.pop("file_row_number") + 1
            row.setdefault("_row_number", position)
            for name in () if meta else META:
                row.pop(name)
        return rows

    def rejects(self, manifest: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """(row number, line, span, reason, raw) of a batch's rejects."""
        path = f"{(manifest or self.manifest())['path']}/rejects.parquet"
        rows = _rows("select _row_number, _line_number, _line_span, _reason, _raw from read_parquet(?)", path)
        return [tuple(row.values()) for row in rows]

    def reason(self) -> str:
        """The text beside the only failed file."""
        (path,) = self.data.glob("failed/**/*.reason.txt")
        return path.read_text()

    def tree(self) -> list[str]:
        """Every file below the data folder but locks."""
        return sorted(
            p.relative_to(self.data).as_posix() for p in self.data.rglob("*") if p.is_file() and p.suffix != ".lock"
        )


def _rows(query: str, path: str) -> list[dict[str, Any]]:
    with duckdb.connect() as connection:
        cursor = connection.execute(query, [path])
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox(tmp_path / "data")


@pytest.fixture
def one(inbox: Inbox) -> Callable[..., Inbox]:
    """Lands one file and gives the inbox back."""

    def land(content: bytes | str, name: str = "orders.csv", **place: str) -> Inbox:
        inbox.put(content, name, **place)
        inbox.land()
        return inbox

    return land


@pytest.fixture(scope="session")
def feeds() -> dict[str, Any]:
    return load_feeds(PROJECT)


@pytest.fixture(scope="session")
def postgres(postgres_server: Any) -> dict[str, str]:
    """`connect_kwargs` of the tests' server; every test has a schema of its own."""
    server = postgres_server
    return {
        "dsn": f"host={server.host} port={server.port} user={server.user} password='{server.password}' dbname=postgres"
    }
