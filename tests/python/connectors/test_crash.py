"""A process that is killed at any moment of fetching or of telling the server: nothing is lost, nothing comes twice."""

import os
import shutil
import signal
import subprocess
import sys

import pytest

from orchestration.landing import land_inbox
from orchestration.landing.connectors.taking import CRASH_POINTS
from tests.python.connectors.conftest import AS_OF, ROOT, World, orders

SCRIPT = """
import sys
from pathlib import Path
from tests.python.connectors.conftest import World
world = World(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), {})
world.fetch()
world.land()
"""


def fetch_and_land(world: World, crash_at: str | None) -> int:
    """Fetch and land in a process of its own, killed at a moment."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **({"TIEOUT_CRASH_AT": crash_at} if crash_at else {})}
    arguments = [str(world.data), str(world.project), str(world.remote)]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments], cwd=ROOT, env=environment, check=False, capture_output=True
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()
    return done.returncode


@pytest.mark.parametrize("crash_at", [*CRASH_POINTS, "after-rename", "after-archive:2"])
def test_killed_at_any_moment(world: World, crash_at: str) -> None:
    world.declare(files={"after": "move", "to": f"{world.remote}/done"})
    world.put("out/a.csv", orders("A1"), mtime=1_772_000_000)
    world.put("out/b.csv", orders("B1", "B2"), mtime=1_772_000_001)
    assert fetch_and_land(world, crash_at) == -signal.SIGKILL
    # Nothing is away from the server that has not landed.
    landed = {manifest["source_file"] for manifest in world.manifests()}
    assert {path.rsplit("/", 1)[-1] for path in world.there() if path.startswith("done/")} <= landed
    world.fetch()
    world.land()
    manifests = world.manifests()
    assert sorted(manifest["source_file"] for manifest in manifests) == ["a.csv", "b.csv"]
    assert {manifest["connector"] for manifest in manifests} == {"acme"}
    assert world.there() == ["done/a.csv", "done/b.csv"]
    assert world.inbox() == []
    archived = [path.name for path in (world.data / "archive").rglob("*.csv")]
    assert sorted(archived) == ["a.csv", "b.csv"]
    assert world.fetch().files == []


def test_parts_that_somebody_cleared_away_after_a_crash_come_anew(world: World) -> None:
    world.put("out/a.csv", orders("A1"))
    assert fetch_and_land(world, "fetch-noted") == -signal.SIGKILL
    shutil.rmtree(world.data / "connectors/.parts")
    assert world.fetch().files == ["acme/pos/orders/a.csv"]
    assert world.land().batches == 1
    # One that stood in the inbox already, and landed without anybody asking its book.
    world.put("out/b.csv", orders("B1"))
    assert fetch_and_land(world, "fetch-moved") == -signal.SIGKILL
    land_inbox(world.data, world.project, AS_OF)
    assert world.fetch().files == []
    assert world.land().files == []
