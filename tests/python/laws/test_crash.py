"""Law 4: a kill at any moment, and a run after it, end where a run without the kill ends."""

import hashlib
import json
import signal
import time
from datetime import timedelta

import pytest

from tests.python.laws.cases import random_case
from tests.python.laws.conftest import BOTH, MakeFolder
from tests.python.laws.harness import Folder, as_csv, check, shown_change, state
from tests.python.oracle import Delivery
from tests.python.oracle.make import at

# Each visits another file, so that the later ones begin with some files landed and some not.
LANDING = ("after-hash", "after-records:2", "before-rename", "after-rename:3", "after-archive:2")
LOADING = ("before-commit", "after-commit:2")
AFTER_LANDING = ("after-landing", "after-dbt", "mid-publish", "before-swap", "after-swap")
# Readers see the version before until the swap.
NOT_PUBLISHED = ("after-landing", "after-load", "after-dbt", "mid-publish", "before-swap")
DAYS = [at("03-02 12:00") + timedelta(minutes=61 * number) for number in range(len(AFTER_LANDING) + 4)]
SEEDS = range(5000, 5012)


def crash(folder: Folder, as_of: object, point: str) -> None:
    """Run with a crash point; the process must die there and nowhere else."""
    done = folder.start(as_of, TIEOUT_CRASH_AT=point)  # type: ignore[arg-type]
    assert done.returncode == -signal.SIGKILL, f"{point} was not reached: {done.returncode}\n{done.stderr[-3000:]}"


def check_landing(folder: Folder, files: dict[str, Delivery]) -> None:
    """A file is in the inbox, or its batch is whole; nothing is between."""
    waiting = {hashlib.sha256(path.read_bytes()).hexdigest() for path in (folder.root / "inbox").rglob("*.csv")}
    landed = set()
    for manifest in (folder.root / "landing").glob("*/*/*/*/manifest.json"):
        assert (manifest.parent / "records.parquet").exists()
        landed.add(json.loads(manifest.read_text(encoding="utf-8"))["content_sha256"])
    assert files.keys() <= waiting | landed


@pytest.mark.parametrize("target", BOTH)
def test_a_kill_at_any_moment_changes_nothing(make_folder: MakeFolder, target: str) -> None:
    folder = make_folder(target)
    cases = {f"org{seed}": random_case(seed, DAYS, volume=0.7) for seed in SEEDS}
    days = iter(DAYS)

    # While landing, one crash after the other, before the first run that comes through.
    day = next(days)
    folder.put_all(cases, day)
    due = [d for deliveries in cases.values() for d in deliveries if d.received_at == day]
    files = {hashlib.sha256(as_csv(d)).hexdigest(): d for d in due}
    for point in LANDING + (LOADING if target == "postgres" else ()):
        crash(folder, day, point)
        check_landing(folder, files)
    check(folder, cases, day, folder.run(day))

    # After it, each crash on a day of its own.
    points = [*AFTER_LANDING, *(("after-load",) if target == "postgres" else ())]
    for point in points:
        day = next(days)
        before = state(folder)
        folder.put_all(cases, day)
        crash(folder, day, point)
        if point in NOT_PUBLISHED:
            after = state(folder)
            unseen = ("exception_log", "landing")
            assert not shown_change({k: v for k, v in before.items() if k not in unseen}, after), point
        check(folder, cases, day, folder.run(day))

    # Somewhere inside of dbt: at two moments of a run that takes about as long as the one before. Another machine's
    # moods decide which; once at least it must have been at work.
    day = next(days)
    folder.put_all(cases, day)
    started = time.monotonic()
    run = folder.run(day)
    seconds = time.monotonic() - started
    check(folder, cases, day, run)
    day = next(days)
    folder.put_all(cases, day)
    killed = [folder.kill_after(day, seconds * share) for share in (0.4, 0.6)]
    assert any(killed)
    check(folder, cases, day, folder.run(day))
