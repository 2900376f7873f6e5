"""Worlds that the tests look at: one without faults, one with all of them."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from examples.payouts.catalogue import chosen
from examples.payouts.world import Plan, make


@dataclass(frozen=True)
class Made:
    """A world on disk."""

    out: Path
    key: Path
    summary: dict[str, Any]

    @property
    def second(self) -> Path:
        return self.out.with_name(self.out.name + "_second")

    def files(self, feed: str, pattern: str = "*", org: str = "harbour_pine") -> list[Path]:
        """The files of a feed, those of the second delivery too."""
        return sorted(path for root in (self.out, self.second) for path in (root / org / feed).glob(pattern))

    def table(self, name: str) -> list[dict[str, str]]:
        """A file of the key."""
        with (self.key / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory):
    """Makes a world of some faults, once for each."""
    made: dict[tuple, Made] = {}

    def get(faults: str, orders: int = 2000, seed: int = 7) -> Made:
        wanted = (faults, orders, seed)
        if wanted not in made:
            folder = tmp_path_factory.mktemp("world")
            out, key = folder / "inbox", folder / "key"
            made[wanted] = Made(out, key, make(Plan(orders, 60, seed, chosen(faults)), out, key))
        return made[wanted]

    return get


@pytest.fixture(scope="session")
def clean(world):
    return world("none")


@pytest.fixture(scope="session")
def faulty(world):
    return world("all")
