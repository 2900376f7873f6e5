"""Law 3 over ten days: every day's incremental results are the oracle's, and those of a fresh build of that day."""

from datetime import timedelta

import pytest

from tests.python.laws.cases import random_case
from tests.python.laws.conftest import BOTH, MakeFolder
from tests.python.laws.harness import check, exceptions_ever, expected, without_ordinals
from tests.python.laws.story import DAYS, everything
from tests.python.oracle import Delivery, answer
from tests.python.oracle.answer import ExceptionKey

SEEDS = range(100, 120)

# What the story is about, said by hand, so that a change of the story or of the oracle cannot empty it unseen:
# the rows of a POS order on some days as result and anomalies.
STORY = {
    "late-oms": {1: "MISSING_TARGET MISSING_OMS", 3: "MATCHED "},
    "rival-1": {2: "MISMATCHED ID_MISMATCH", 4: "AMBIGUOUS AMBIGUOUS_MATCH", 6: "MISMATCHED ID_MISMATCH"},
    "chain-1": {2: "MISMATCHED ID_MISMATCH", 5: "AMBIGUOUS AMBIGUOUS_MATCH", 9: "MISSING_TARGET MISSING_OMS"},
    "chain-3": {9: "MISMATCHED ID_MISMATCH"},
    "conflict": {
        2: "MATCHED ",
        3: "MISMATCHED PRICE_MISMATCH",
        4: "AMBIGUOUS CONFLICT_OMS",
        6: "MATCHED ",
    },
    "true-1": {2: "MISMATCHED ID_MISMATCH", 5: "MATCHED "},
    "key-1": {
        2: "MISMATCHED ID_MISMATCH",
        4: "MISSING_TARGET MISSING_OMS",
        6: "MISMATCHED ID_MISMATCH",
        7: "MISSING_TARGET MISSING_OMS",
        9: "MISMATCHED ID_MISMATCH",
    },
    "time-1": {3: "MISMATCHED ID_MISMATCH", 5: "MISSING_TARGET MISSING_OMS", 8: "MISMATCHED ID_MISMATCH"},
    "timer-0": {3: "MISSING_TARGET MISSING_OMS"},
    "timer-1": {3: "MISSING_TARGET MISSING_OMS"},
    "timer-2": {3: "PENDING ", 4: "MISSING_TARGET MISSING_OMS"},
    "patient": {3: "PENDING ", 7: "PENDING ", 8: "MATCHED "},
    "in vain": {7: "PENDING ", 8: "MISSING_TARGET MISSING_OMS", 9: "PENDING ", 10: "MISSING_TARGET MISSING_OMS"},
    "price": {
        1: "MISMATCHED PRICE_MISMATCH",
        3: "MATCHED ",
        5: "MISMATCHED PRICE_MISMATCH",
        7: "MATCHED ",
        8: "MATCHED ",
        9: "MISMATCHED PRICE_MISMATCH",
        10: "MATCHED ",
    },
    "skew": {2: "MISMATCHED TIMESTAMP_SKEW", 5: "MATCHED ", 7: "MISMATCHED TIMESTAMP_SKEW"},
    "reject": {2: "MISSING_TARGET REJECTED_OMS", 4: "MATCHED "},
    "stale": {2: "MATCHED ", 3: "MISMATCHED STALE_VERSION", 5: "MATCHED "},
    "stale-pos": {6: "MISMATCHED STALE_VERSION", 7: "MATCHED "},
    "stale-1": {4: "MISMATCHED ID_MISMATCH,STALE_VERSION"},
    "stale-again": {2: "MATCHED ", 3: "MISMATCHED STALE_VERSION", 5: "MATCHED "},
    "stale-again-1": {
        2: "MISMATCHED ID_MISMATCH",
        4: "MISMATCHED ID_MISMATCH,STALE_VERSION",
        6: "MISMATCHED ID_MISMATCH,STALE_VERSION",
        7: "MISMATCHED ID_MISMATCH",
    },
    "twin-1": {2: "MISMATCHED ID_MISMATCH", 3: "MISMATCHED ID_MISMATCH"},
    "reject late": {3: "MISSING_TARGET MISSING_OMS", 6: "MISSING_TARGET REJECTED_OMS"},
}


def cases() -> dict[str, list[Delivery]]:
    """The story, and random orgs that live through the same days."""
    return everything() | {f"org{seed}": random_case(seed, DAYS, volume=0.6) for seed in SEEDS}


def test_the_story_tells_what_it_is_about() -> None:
    acme = everything()["acme"]
    told: dict[str, dict[int, str]] = {}
    for order_id, days in STORY.items():
        for day in days:
            rows = [r for r in answer("acme", acme, DAYS[day - 1]).rows if r.source_activity_id == order_id]
            (row,) = [r for r in rows if r.result != "DUPLICATE"]
            told.setdefault(order_id, {})[day] = f"{row.result} {row.anomalies}"
    assert told == STORY


def test_a_feed_that_comes_late_ends_the_waiting() -> None:
    late = everything()["late-feed"]
    pending = [[r.reason for r in answer("late-feed", late, day).rows] for day in DAYS[:4]]
    assert pending == [["FEED_LATE"], ["FEED_LATE"] * 2, ["FEED_LATE"] * 3, [None] * 3]


@pytest.mark.parametrize("target", BOTH)
def test_each_day_is_the_oracles_and_a_fresh_builds(make_folder: MakeFolder, target: str) -> None:
    folder = make_folder(target)
    orgs = cases()
    hashes = []
    for day in DAYS:
        folder.put_all(orgs, day)
        run = folder.run(day)
        check(folder, orgs, day, run)
        hashes.append(run.results_hash)

    # A day without any delivery: only the clock moves. And now every day lies in the past, so that it can be replayed.
    quiet = DAYS[-1] + timedelta(days=1)
    check(folder, orgs, quiet, folder.run(quiet))
    assert [folder.run(day).results_hash for day in DAYS] == hashes

    # A match of two ids says so where one of them has a record of its own that could not be read.
    told = folder.published(
        "select explanation, next_action from marts.exceptions where source_activity_id in ('twin-1', 'stale-again-1')"
        " and anomaly = 'ID_MISMATCH' order by source_activity_id"
    )
    assert [("id twin-2 in" in text, "deliver it again" in action) for text, action in told] == [
        (False, False),
        (True, True),
    ]

    # An exception that was ever open is there, once, however often it closed and opened again.
    opened: dict[str, set[ExceptionKey]] = {org_id: set() for org_id in orgs}
    for day in [*DAYS, quiet]:
        for org_id, one in expected(orgs, day).items():
            opened[org_id] |= one.open_exceptions
    assert exceptions_ever(folder) == {org_id: without_ordinals(keys) for org_id, keys in opened.items() if keys}
