"""Random small cases on the real engines give what the oracle gives, after every run (laws 2, 3, 5, 6, 9, 10)."""

import os
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.python.laws.cases import random_case
from tests.python.laws.conftest import MakeFolder
from tests.python.laws.harness import Folder, check, differences
from tests.python.laws.shrink import report
from tests.python.oracle.make import at

# Multiplies the number of examples; an example is some 60 orgs over three runs.
FACTOR = int(os.environ.get("TIEOUT_PROPERTY_EXAMPLES", "1"))
# The second run stands on the edge of the first one's grace windows, the third a little after it.
RUNS = [at("03-02 12:00"), at("03-02 13:00"), at("03-02 13:10") + timedelta(microseconds=1)]

# Hypothesis draws the seeds of an example's orgs: drawn choice by choice, so many orgs would not fit into one example.
# Shrinking is ours (shrink.py), because a failing org among many is known by its name.
org_seeds = st.lists(st.integers(0, 2**32 - 1), min_size=50, max_size=70, unique=True)
property_settings = settings(
    deadline=None,
    database=None,
    derandomize=FACTOR == 1,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def hold(make: Callable[[], Folder], seeds: list[int]) -> None:
    """Run one example: what the oracle says must stand after every run, incremental ones included."""
    cases = {f"org{seed}": random_case(seed, RUNS) for seed in seeds}
    folder = make()
    for run_at in RUNS:
        folder.put_all(cases, run_at)
        run = folder.run(run_at)
        found = differences(folder, cases, run_at)
        if found:
            worst = min(found, key=lambda org_id: sum(len(d.rows) for d in cases[org_id]))
            print(report(make, cases[worst], RUNS))
        check(folder, cases, run_at, run)


def test_duckdb_agrees_with_the_oracle(make_folder: MakeFolder) -> None:
    @settings(property_settings, max_examples=2 * FACTOR)
    @given(org_seeds)
    def holds(seeds: list[int]) -> None:
        hold(lambda: make_folder("duckdb"), seeds)

    holds()


@pytest.mark.postgres
def test_postgres_agrees_with_the_oracle(make_folder: MakeFolder) -> None:
    @settings(property_settings, max_examples=FACTOR)
    @given(org_seeds)
    def holds(seeds: list[int]) -> None:
        hold(lambda: make_folder("postgres"), seeds)

    holds()
