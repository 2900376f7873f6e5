"""Law 3: row order, column order and slicing into files change nothing, on any engine."""

from datetime import timedelta

import pytest

from tests.python.laws.cases import random_case, shuffled, sliced
from tests.python.laws.conftest import BOTH, MakeFolder
from tests.python.laws.harness import check, published_results
from tests.python.oracle import Delivery
from tests.python.oracle.make import at

RUNS = [at("03-02 12:00"), at("03-02 13:00") + timedelta(seconds=1)]
SEEDS = range(7000, 7018)


@pytest.mark.parametrize("target", BOTH)
def test_any_order_and_any_slicing_give_the_same(make_folder: MakeFolder, target: str) -> None:
    cases: dict[str, list[Delivery]] = {}
    for seed in SEEDS:
        plain = random_case(seed, RUNS, volume=1.5)
        cases |= {
            f"plain-{seed}": plain,
            f"shuffled-{seed}": shuffled(plain, seed),
            f"sliced-{seed}": sliced(plain, seed),
            f"both-{seed}": shuffled(sliced(plain, seed), seed + 1),
        }
    folder = make_folder(target)
    for run_at in RUNS:
        folder.put_all(cases, run_at)
        run = folder.run(run_at)
        found = {
            org_id: sorted((str(row[0][1:]), str(row[1:])) for row in rows)
            for org_id, rows in published_results(folder).items()
        }
        for seed in SEEDS:
            for way in ("shuffled", "sliced", "both"):
                assert found.get(f"{way}-{seed}") == found.get(f"plain-{seed}"), f"{way}, seed {seed}, at {run_at}"
        check(folder, cases, run_at, run)
