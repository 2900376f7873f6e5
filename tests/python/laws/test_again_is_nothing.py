"""Law 4: a run twice and a delivery twice change nothing."""

from dataclasses import replace

import pytest

from tests.python.laws.cases import random_case
from tests.python.laws.conftest import BOTH, MakeFolder
from tests.python.laws.harness import check, shown_change, state
from tests.python.oracle.deliveries import POLICIES
from tests.python.oracle.make import at

RUNS = [at("03-02 12:00"), at("03-02 13:00")]


@pytest.mark.parametrize("target", BOTH)
def test_a_run_twice_and_a_delivery_twice_change_nothing(make_folder: MakeFolder, target: str) -> None:
    folder = make_folder(target)
    cases = {f"org{seed}": random_case(seed, RUNS) for seed in range(8000, 8030)}
    for run_at in RUNS:
        folder.put_all(cases, run_at)
        run = folder.run(run_at)
    check(folder, cases, RUNS[-1], run)
    before = state(folder)

    again = folder.run(RUNS[-1])
    assert again.results_hash == run.results_hash
    assert again.summary["landed"]["batches"] == 0
    assert not shown_change(before, state(folder))

    # Every file of records once more, under other names: known by their content.
    files = 0
    for org_id, deliveries in cases.items():
        for number, delivery in enumerate(deliveries):
            if delivery.feed != POLICIES:
                folder.put(org_id, replace(delivery, file=f"another name {number}.csv"))
                files += 1
    again = folder.run(RUNS[-1])
    assert again.summary["landed"]["batches"] == 0
    assert again.summary["landed"]["redelivered"] == files
    assert again.results_hash == run.results_hash
    assert not shown_change(before, state(folder))
    assert not [path for path in (folder.root / "inbox").rglob("*") if path.is_file()]
