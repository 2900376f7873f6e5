"""The mini project, and deliveries for it."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.python import ready

MINI = Path(__file__).with_name("mini_project")


@dataclass(frozen=True)
class Answer:
    """What a run of the command gave back."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.out)


@dataclass(frozen=True)
class Mini:
    """A data folder that the mini project reconciles."""

    root: Path

    def deliver(self, name: str, *orders: str, org: str = "acme", day: str = "2026-03-01") -> None:
        """Put a file of orders into the inbox; each order is `id:minor units`."""
        folder = self.root / "inbox" / org / "pos" / "orders"
        folder.mkdir(parents=True, exist_ok=True)
        lines = [f"{o.split(':')[0]},S1,EUR,{o.split(':')[1]},{day}T10:00:00Z,1" for o in orders]
        (folder / name).write_text("\n".join(["order_id,store_id,currency,total,sold_at,revision", *lines, ""]))

    def environment(self, **variables: str) -> dict[str, str]:
        return {**os.environ, "TIEOUT_PROJECT_DIR": str(MINI), **variables}

    def tieout(self, *arguments: str, **variables: str) -> Answer:
        """Run the command in a process of its own."""
        done = ready.run(*arguments, "--data-dir", self.root, env=self.environment(**variables), timeout=120)
        return Answer(done.returncode, done.stdout, done.stderr)

    def run(self, as_of: str, *arguments: str, **variables: str) -> Answer:
        """`tieout run --json` as of a time."""
        return self.tieout("run", "--json", "--as-of", as_of, *arguments, **variables)

    def records(self) -> list[dict[str, Any]]:
        """The run records, oldest first."""
        return [json.loads(file.read_text()) for file in sorted((self.root / "runs").glob("*.json"))]


def copy_of_mini(folder: Path) -> Path:
    """The mini project for a test to change, without what runs have kept of it."""
    return Path(shutil.copytree(MINI, folder, ignore=shutil.ignore_patterns("target", "logs")))


@pytest.fixture
def mini(data_dir: Path) -> Mini:
    return Mini(data_dir)
