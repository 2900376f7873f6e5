"""A data folder as alerts see it: run records, a published copy with the real columns, landed manifests - and servers
on loopback that really receive."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import duckdb
import yaml

from orchestration import clock
from orchestration.alerts import AlertReport, send_due
from orchestration.data_dir import DataDir
from orchestration.publish import DUCKDB_FILE
from orchestration.runs import RunRecord, State
from orchestration.summary import Facts, Group

ROOT = Path(__file__).resolve().parents[3]
# What the fact groups of a run say where a test says nothing of it.
EXPONENTS = {"EUR": 2, "JPY": 0, "KWD": 3}
PROJECT = """
name: shop
version: "1.0"
profile: shop
vars:
  streams:
    orders: {ladders: {orders: {source: pos/orders, target: oms/orders, checks: [], steps: []}}}
    payouts: {ladders: {payouts: {source: psp/payouts, target: bank/lines, checks: [], steps: []}}}
"""
FEED = """
version: 2
sources:
  - name: pos
    tables:
      - name: orders
        identifier: pos__orders
        config:
          meta:
            feed:
              expected: {cron: "0 6 * * *", time_zone: UTC, grace: 1 hour}
        columns:
          - name: order_id
            config: {meta: {type: id, required: true}}
"""


def at(text: str) -> datetime:
    """`03-05 07:00` as a time of March 2026, UTC."""
    return datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=UTC)


@dataclass
class World:
    """A project with an `alerts.yml`, and a data folder."""

    project: Path
    data: DataDir
    exceptions: list[dict[str, Any]] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    version: int = 0

    @classmethod
    def made(cls, folder: Path) -> "World":
        project = folder / "project"
        (project / "models/staging/pos").mkdir(parents=True)
        (project / "dbt_project.yml").write_text(PROJECT)
        (project / "models/staging/pos/_pos__sources.yml").write_text("version: 2\nsources: []\n")
        return cls(project, DataDir.at(folder / "data"))

    def configure(self, **said: Any) -> None:
        """Write `alerts.yml`; blank keys are left out."""
        (self.project / "alerts.yml").write_text(yaml.safe_dump(said, sort_keys=False))

    def expect_orders(self) -> None:
        """From now on the feed pos/orders is due every day at 06:00 UTC."""
        (self.project / "models/staging/pos/_pos__sources.yml").write_text(FEED)

    def deliver_orders(self, moment: datetime, org: str = "acme") -> None:
        """Land a batch of pos/orders, as far as manifests tell."""
        folder = self.data.root / "landing/pos/orders" / org / f"{moment:%Y%m%dT%H%M}"
        folder.mkdir(parents=True)
        said = {
            "org_id": org,
            "system": "pos",
            "feed": "orders",
            "received_at": moment.isoformat(),
            "record_count": 1,
            "landed_at": moment.isoformat(),
        }
        (folder / "manifest.json").write_text(json.dumps({**said, "batch_id": folder.name}))

    def run(
        self, as_of: datetime, state: State = State.CLOSED, *, unmatched: dict[str, int] | None = None, **said: Any
    ) -> RunRecord:
        """A run on record that ended. unmatched: by stream how many records of acme have no counterpart."""
        groups = [
            Group("acme", stream, result, "EUR", rows, rows * 1_050, 0, 0)
            for stream, missing in (unmatched or {"orders": 0}).items()
            for result, rows in (("MATCHED", 100), ("MISSING_TARGET", missing))
            if rows or result == "MATCHED"
        ]
        streams = list(unmatched or {"orders": 0})
        fields: dict[str, Any] = {
            "summary": {"laws": {"passed": 9, "failed": 0}, "failures": [], "lapses": []},
            "facts": asdict(Facts(streams, groups=groups, exponents=EXPONENTS)),
            "started_by": "ann",
            "published": state == State.CLOSED,
            **said,
        }
        number = len(list(self.data.runs.glob("*.json"))) if self.data.runs.is_dir() else 0
        text = clock.to_text(as_of)
        run_id = f"{as_of:%Y%m%dT%H%M%SZ}-{number:08x}"
        record = RunRecord(run_id, text, text, "duckdb", replay=False, built=True, **fields)
        if state == State.RUNNING:
            record.save(self.data)
        else:
            record.end(self.data, state, as_of)
        return record

    def open(self, exception_id: str, opened_at: datetime, **said: Any) -> None:
        """An exception that the run of a time found."""
        self.exceptions.append(
            {
                "exception_id": exception_id,
                "org_id": "acme",
                "stream": "orders",
                "ladder": "orders",
                "anomaly": "MISSING_OMS",
                "state": "OPEN",
                "severity": "HIGH",
                "classification": "SUSPICIOUS",
                "strategy": "ESCALATE",
                "counterparty_id": "S1",
                "opened_at": opened_at,
                "due_at": datetime(2099, 1, 1, tzinfo=UTC),
                "is_overdue": False,
                "age_days": 0,
                "currency": "EUR",
                "amount_minor": 1_050,
                "title": "In pos, not in oms",
                "explanation": f"Order {exception_id} is in pos and not in oms.",
                "next_action": "Ask the store.",
                **said,
            }
        )
        one = self.exceptions[-1]
        self.tell(one["org_id"], exception_id, "OPENED", opened_at, "OPEN")

    def tell(self, org: str, exception_id: str, action: str, moment: datetime, state: str) -> None:
        """Another event of an exception."""
        number = sum(event["exception_id"] == exception_id for event in self.history) + 1
        self.history.append(
            {
                "org_id": org,
                "exception_id": exception_id,
                "event_number": number,
                "event_at": moment,
                "decided_at": moment,
                "action": action,
                "actor": "tieout",
                "state": state,
            }
        )
        for one in self.exceptions:
            if one["exception_id"] == exception_id:
                one["state"] = state

    def publish(self) -> None:
        """Publish the exceptions as they stand, with the columns of the contracts."""
        self.version += 1
        folder = self.data.versions / str(self.version)
        folder.mkdir(parents=True)
        with duckdb.connect(str(folder / DUCKDB_FILE)) as connection:
            connection.execute("create schema marts")
            for name, rows in (("exceptions", self.exceptions), ("exception_history", self.history)):
                columns = contract(name)
                listed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
                connection.execute(f"create table marts.{name} ({listed})")
                for row in rows:
                    assert row.keys() <= columns.keys()
                    values = [v.replace(tzinfo=None) if isinstance(v, datetime) else v for v in row.values()]
                    marks = ", ".join("?" * len(row))
                    connection.execute(f"insert into marts.{name} ({', '.join(row)}) values ({marks})", values)
        (folder / "manifest.json").write_text("{}")
        self.data.published.unlink(missing_ok=True)
        self.data.published.symlink_to(folder)

    def send(self, now: datetime) -> AlertReport:
        """Send what is due at a time."""
        return send_due(self.data, self.project, "duckdb", now)


def contract(mart: str) -> dict[str, str]:
    """The columns of a mart and their types, as its contract declares them."""
    models = yaml.safe_load((ROOT / "models/marts/_marts.yml").read_text())["models"]
    columns = next(model["columns"] for model in models if model["name"] == mart)
    return {c["name"]: "varchar" if c["data_type"] == "string" else c["data_type"] for c in columns}


@dataclass
class Hook:
    """A web server that takes messages. `fails` of the next requests get the status 503."""

    server: ThreadingHTTPServer
    received: list[dict[str, Any]] = field(default_factory=list)
    fails: int = 0
    asked: int = 0
    paths: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.server.server_port}/hook"

    @property
    def port(self) -> int:
        return self.server.server_port

    @property
    def titles(self) -> list[str]:
        return [message["title"] for message in self.received]


@contextmanager
def hook() -> Iterator[Hook]:
    """A web server on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            made.asked += 1
            made.paths.append(self.path)
            if made.fails > 0:
                made.fails -= 1
                self.send_response(503)
                self.end_headers()
                return
            made.received.append(json.loads(body))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Hook(server)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Mailbox:
    """A mail server that takes messages."""

    port: int
    received: list[Message] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 (the library's own name)
        self.received.append(message_from_bytes(envelope.content))
        return "250 OK"
