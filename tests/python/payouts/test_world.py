"""A world of payouts with every named fault, in every format: what Tieout says of it is what the key says, in both
deliveries, on both engines, built day by day and at once."""

import json
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from examples.payouts.score import score
from tests.python.laws.harness import Folder, NewDatabase

ROOT = Path(__file__).resolve().parents[3]
ORDERS = 600


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the two deliveries and the key."""
    folder = tmp_path_factory.mktemp("world")
    command = [sys.executable, "-m", "examples.payouts", "--orders", str(ORDERS), "--faults", "all"]
    command += ["--out", str(folder / "inbox"), "--key", str(folder / "key")]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


def run(folder: Folder, as_of: str, *arguments: str) -> str:
    """A whole run that closes its books; the hash of the stream's results."""
    done = folder.start(datetime.fromisoformat(as_of), *arguments)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    summary = json.loads(done.stdout)
    assert summary["laws"]["failed"] == 0
    assert summary["landed"]["failed_files"] == 0
    return str(summary["streams"]["ecommerce_payouts"]["results_hash"])


def both_deliveries(world: Path, folder: Folder) -> tuple[str, str]:
    """Two runs, the second on top of the first."""
    clock = json.loads((world / "key" / "summary.json").read_text(encoding="utf-8"))
    shutil.copytree(world / "inbox", folder.root / "inbox", dirs_exist_ok=True)
    first = run(folder, clock["first_as_of"])
    shutil.copytree(world / "inbox_second", folder.root / "inbox", dirs_exist_ok=True)
    return first, run(folder, clock["as_of"])


@pytest.mark.postgres
@pytest.mark.xdist_group("payouts-world")
def test_every_fault_is_found_and_nothing_else(world: Path, tmp_path: Path, new_database: NewDatabase) -> None:
    folder = Folder(tmp_path / "duckdb", "duckdb", {})
    hashes = both_deliveries(world, folder)
    scores, payouts, _ = score(folder.root, world / "key")
    missed = {code: [finding.text for finding in one.missed] for code, one in scores.items() if one.missed}
    wrong = {code: [exception.ids for exception in one.wrong] for code, one in scores.items() if one.wrong}
    assert not missed
    assert not wrong
    assert not payouts.faults
    assert sum(len(one.expected) for one in scores.values()) > 50

    clock = json.loads((world / "key" / "summary.json").read_text(encoding="utf-8"))
    assert run(folder, clock["as_of"], "--full-refresh") == hashes[1]

    shared = Folder(tmp_path / "postgres", "postgres", new_database("postgres"))
    assert both_deliveries(world, shared) == hashes
