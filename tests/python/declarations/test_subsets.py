"""The search for subsets: off by default, bounded, exact, unique, and never more than a suggestion."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.python.declarations import shop
from tests.python.declarations.project import registry, write_registry
from tests.python.declarations.test_groups import extend as extend_with_slips
from tests.python.declarations.test_new_system import deliver
from tests.python.laws.harness import Folder, NewDatabase

AS_OF = datetime(2026, 3, 20, 6, tzinfo=UTC)

# Pools are by till and currency, so that each case has its own.
SALES = (
    *(
        shop.sale(f"U{number}", "", amount, till="unique")
        for number, amount in enumerate((10_007, 20_011, 40_013, 77_031))
    ),
    *(
        shop.sale(f"V{number}", "", amount, till="equal")
        for number, amount in enumerate((10_007, 10_007, 50_021, 91_003))
    ),
    *(
        shop.sale(f"W{number}", "", amount, till="several")
        for number, amount in enumerate((100, 400, 200, 300, 90_000))
    ),
    *(shop.sale(f"X{number}", "", 10 * number + 1, till="crowded") for number in range(21)),
    *(shop.sale(f"Y{number}", "", amount, till="likely") for number, amount in enumerate((1, 2, 4, 8, 16, 32))),
    *(shop.sale(f"S{number}", "", amount, till="shared") for number, amount in enumerate((10_007, 20_011, 40_013))),
)
ENTRIES = (
    shop.entry("E_unique", "", 60_024, till="unique"),  # U1 + U2
    shop.entry("E_none", "", 60_025, till="unique"),
    shop.entry("E_equal", "", 60_028, till="equal"),  # V2 with V0 or V1
    shop.entry("E_several", "", 500, till="several"),  # 100 + 400 or 200 + 300
    shop.entry("E_crowded", "", 12, till="crowded"),
    shop.entry("E_likely", "", 3, till="likely"),
    shop.entry("E_shared_1", "", 30_018, till="shared"),  # S0 + S1
    shop.entry("E_shared_2", "", 60_024, till="shared"),  # S1 + S2
)
EXPECTED = {
    ("E_unique", "SUGGESTED", "U1, U2", 2, 1, 4),
    ("E_equal", "SAME_AMOUNTS", "V0, V2", 2, 2, 4),
    ("E_several", "NOT_UNIQUE", "W0, W1", 2, 2, 5),
    ("E_crowded", "POOL_TOO_LARGE", None, None, 0, 21),
    ("E_likely", "LIKELY_CHANCE", "Y0, Y1", 2, 1, 6),
    ("E_shared_1", "NOT_UNIQUE", "S0, S1", 2, 1, 3),
    ("E_shared_2", "NOT_UNIQUE", "S1, S2", 2, 1, 3),
}


def project_with(tmp_path: Path, subset: dict[str, object] | None) -> Path:
    """The slips project, its search for subsets as given."""
    project = extend_with_slips(tmp_path)
    settings = registry(project)
    if subset is not None:
        settings["vars"]["streams"]["slips"]["ladders"]["slips"]["subset"] = subset
    write_registry(project, settings)
    return project


def put(folder: Folder) -> None:
    """Both files into the inbox."""
    deliver(folder, "till/sales", "sales.csv", shop.SALES_HEADER, *SALES)
    deliver(folder, "ledger/entries", "entries.csv", shop.ENTRIES_HEADER, *ENTRIES)


def run(folder: Folder, project: Path) -> str:
    """A run whose books close; the hash of its results."""
    done = folder.start(AS_OF, TIEOUT_PROJECT_DIR=str(project))
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return str(json.loads(done.stdout)["streams"]["slips"]["results_hash"])


def suggestions(folder: Folder) -> set[tuple[object, ...]]:
    """What is suggested."""
    return set(
        folder.published(
            "select activity_id, outcome, member_ids, member_count, subset_count, pool_size"
            " from marts.match_suggestions"
        )
    )


@pytest.mark.postgres
def test_subsets_are_suggested_within_their_bounds_and_match_nothing(tmp_path: Path, new_database: NewDatabase) -> None:
    off = Folder(tmp_path / "off", "duckdb", {})
    put(off)
    without = run(off, project_with(tmp_path / "project_off", None))
    assert suggestions(off) == set()

    project = project_with(tmp_path / "project_on", {"enabled": True, "on": ["counterparty_id", "currency"]})
    for target, environment in (("duckdb", {}), ("postgres", new_database("postgres"))):
        folder = Folder(tmp_path / target, target, environment)
        put(folder)
        assert run(folder, project) == without
        assert suggestions(folder) == EXPECTED
        luck = folder.published(
            "select activity_id, cast(expected_by_chance as double) from marts.match_suggestions"
            " where activity_id in ('E_unique', 'E_likely') order by 1"
        )
        # C(n, 2) / (sigma sqrt(4 pi)) + C(n, 3) / (sigma sqrt(6 pi)), by hand.
        assert [(name, round(float(value), 4)) for name, value in luck] == [("E_likely", 0.8162), ("E_unique", 0.0001)]
