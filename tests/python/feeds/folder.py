"""A data folder whose files land for real, and the part of the project that a test builds over them."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import psycopg2

from orchestration.landing import land_inbox, load_feeds, load_postgres
from orchestration.landing.report import LandingReport
from tests.python import ready

AS_OF = datetime(2026, 3, 20, 6, 0, tzinfo=UTC)

Row = tuple[Any, ...]


@dataclass
class FeedFolder:
    """Lands into `root` and builds models of `project` on `target`; much less than a run of the command."""

    project: Path
    root: Path
    target: str
    settings: dict[str, str]

    def put(self, path: str, content: str | bytes) -> None:
        """Write a file into the inbox: `<org>/<system>/<feed>/<file>`."""
        file = self.root / "inbox" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))

    def land(self, as_of: datetime = AS_OF) -> LandingReport:
        """Land what lies in the inbox, and on Postgres load it."""
        feeds = load_feeds(self.project)
        report = land_inbox(self.root, self.project, as_of, feeds)
        if self.target == "postgres":
            load_postgres(self.root, feeds, self._postgres(), as_of=as_of)
        return report

    def build(self, *selected: str, as_of: datetime = AS_OF, command: str = "build") -> None:
        """Build the chosen models with their seeds; what they hold is judged by the caller."""
        done = ready.run(
            *("--no-use-colors", command),
            *("--exclude-resource-types", "unit_test", "test", "--select", *selected),
            *("--project-dir", self.project, "--profiles-dir", self.project, "--target", self.target),
            *("--target-path", self.root / ".dbt", "--log-path", self.root / ".dbt" / "logs"),
            cwd=self.project,
            env={
                **os.environ,
                **self.settings,
                "TIEOUT_DATA_DIR": str(self.root),
                "TIEOUT_DUCKDB_PATH": str(self.root / "warehouse.duckdb"),
                "DBT_ENV_CUSTOM_ENV_TIEOUT_AS_OF": as_of.isoformat().replace("+00:00", ".000000Z"),
            },
            program=ready.DBT,
        )
        assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]

    def rows(self, query: str) -> list[Row]:
        """What a query gives, in the SQL that both engines share."""
        if self.target == "duckdb":
            with duckdb.connect(str(self.root / "warehouse.duckdb"), read_only=True) as warehouse:
                return warehouse.execute(query).fetchall()
        connection = psycopg2.connect(**self._postgres())
        try:
            with connection.cursor() as cursor:
                cursor.execute(query)
                return cursor.fetchall()
        finally:
            connection.close()

    def _postgres(self) -> dict[str, str]:
        named = {name.removeprefix("TIEOUT_PG_").lower(): value for name, value in self.settings.items()}
        return {"dbname": named.pop("database"), **named}
