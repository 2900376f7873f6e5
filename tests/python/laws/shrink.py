"""Make a failing case small: many reductions of it run side by side, as orgs of one run."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from random import Random

from tests.python.laws.harness import Folder, describe, differences
from tests.python.oracle import Delivery

# Rounds of shrinking after a failure; each costs as many runs as the case has run times. Off unless asked for.
ROUNDS = int(os.environ.get("TIEOUT_PROPERTY_SHRINK", "0"))
WIDTH = 80


def shrink(
    make: Callable[[], Folder], deliveries: Sequence[Delivery], runs: Sequence[datetime]
) -> tuple[list[Delivery], list[str]]:
    """The smallest part of a failing case found that still fails, and how it fails."""
    smallest, lines = list(deliveries), ["not shrunk"]
    random = Random(0)
    for _ in range(ROUNDS):
        places = [(i, j) for i, d in enumerate(smallest) for j in range(len(d.rows))]
        # Every single row away, then random parts of every size.
        parts = [set(places) - {place} for place in places]
        parts += [set(random.sample(places, k=random.randrange(1, len(places) + 1))) for _ in range(WIDTH - len(parts))]
        cases = {f"part{number:03d}": _kept(smallest, part) for number, part in enumerate(parts)}
        folder = make()
        failing: dict[str, list[str]] = {}
        for run in runs:
            folder.put_all(cases, run)
            folder.start(run)
            for org_id, found in differences(folder, cases, run).items():
                failing.setdefault(org_id, [f"at {run}", *found])
        better = [org_id for org_id in failing if _size(cases[org_id]) < _size(smallest)]
        if not better:
            break
        best = min(better, key=lambda org_id: _size(cases[org_id]))
        smallest, lines = cases[best], failing[best]
    return smallest, lines


def report(make: Callable[[], Folder], deliveries: Sequence[Delivery], runs: Sequence[datetime]) -> str:
    """A shrunk case in words, or how to get one."""
    if not ROUNDS:
        return "(TIEOUT_PROPERTY_SHRINK=8 makes the case small)"
    smallest, lines = shrink(make, deliveries, runs)
    return "\n".join(["smallest case found:", *lines, describe(smallest)])


def _kept(deliveries: Sequence[Delivery], part: set[tuple[int, int]]) -> list[Delivery]:
    """The deliveries with only some of their rows; a delivery that loses all of them stays as a header."""
    return [
        replace(d, rows=tuple(row for j, row in enumerate(d.rows) if (i, j) in part)) for i, d in enumerate(deliveries)
    ]


def _size(deliveries: Sequence[Delivery]) -> int:
    return sum(len(d.rows) for d in deliveries)
