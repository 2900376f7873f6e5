"""Law 6: a run at an earlier `as_of` says what was known then, and touches nothing."""

import pytest

from tests.python.laws.cases import random_case
from tests.python.laws.conftest import BOTH, MakeFolder
from tests.python.laws.harness import check, expected, expected_hash, shown_change, state
from tests.python.oracle.make import at, delivered, pos

RUNS = [at("03-02 12:00"), at("03-02 13:00")]


@pytest.mark.parametrize("target", BOTH)
def test_a_replay_tells_what_was_known_and_touches_nothing(make_folder: MakeFolder, target: str) -> None:
    folder = make_folder(target)
    cases = {f"org{seed}": random_case(seed, RUNS) for seed in range(9000, 9030)}
    hashes = []
    for run_at in RUNS:
        folder.put_all(cases, run_at)
        run = folder.run(run_at)
        check(folder, cases, run_at, run)
        hashes.append(run.results_hash)
    assert hashes[0] != hashes[1]
    waiting = folder.put("org9000", delivered("pos/orders", RUNS[0], [pos("never seen")]))
    before = state(folder)

    replay = folder.run(RUNS[0])
    assert replay.results_hash == hashes[0]
    assert replay.summary["landed"]["batches"] == 0
    assert waiting.exists()
    assert not shown_change(before, state(folder))
    assert not (folder.root / "replays").exists() or not any((folder.root / "replays").iterdir())

    # At a time between the two runs the timers stand elsewhere, though nothing else was received.
    between = at("03-02 12:30")
    assert folder.run(between).results_hash == expected_hash(expected(cases, between))
    assert not shown_change(before, state(folder))
