"""Modes on a ladder of two steps: what the first holds back the second does too, and in the end nothing shows it."""

from pathlib import Path
from random import Random

import pytest

from tests.python.bookings.test_property import MOMENTS, published, random_org
from tests.python.bookings.world import SUPPLIER, hourly, of_project, put, run
from tests.python.core_project import core_project
from tests.python.declarations.project import registry, write, write_registry

STEP = """{{ reconcile(
    ladder='bookings',
    match=one_to_one(on=['counterparty_id', 'currency', 'amount_minor'], within={'event_at': '15 minutes'}),
    on_match='ID_MISMATCH'
) }}
"""
WAITS = "select count(*) from marts.reconciliation_results where reason = 'AWAITING_DAILY'"
GUESSED = (
    "select count(*) from marts.reconciliation_results where step = 'by_supplier_amount' and result = 'MISMATCHED'"
)


@pytest.fixture
def two_steps(tmp_path: Path) -> Path:
    """The stream with a second, looser step."""
    project = core_project(tmp_path / "project", ("bookings",))
    settings = registry(project)
    settings["vars"]["streams"]["bookings"]["ladders"]["bookings"]["steps"].append("by_supplier_amount")
    write_registry(project, settings)
    write(project, "models/reconciliations/bookings/bookings__by_supplier_amount.sql", STEP)
    return project


def test_a_later_step_holds_back_what_the_first_does(two_steps: Path, tmp_path: Path) -> None:
    folder = of_project(tmp_path / "duckdb", "duckdb", two_steps, {})
    random = Random(7)
    cases = {f"org{number}": random_org(random.randrange(2**32)) for number in range(40)}
    waiting, guessed = [], []
    for number, moment in enumerate(MOMENTS):
        for org_id, deliveries in cases.items():
            for feed, received_at, rows in deliveries:
                if received_at == moment:
                    # Half of the records have another id at the supplier, so that only the second step can match them.
                    renamed = [
                        {**row, "activity_id": row["activity_id"].lower()} if row["activity_id"] in "ACEG" else row
                        for row in (rows if feed == SUPPLIER else ())
                    ]
                    put(folder, org_id, feed, renamed or rows, f"{number}.csv")
        outcome = (run if moment == MOMENTS[-1] else hourly)(folder, moment)
        waiting.append(folder.published(WAITS)[0][0])
        guessed.append(folder.published(GUESSED)[0][0])
    # The first run builds from nothing and the last is a daily one: both judge everybody.
    assert (waiting[0], waiting[2]) == (0, 0)
    assert waiting[1] > 20
    assert guessed[-1] > 20
    said = published(folder)
    rebuilt = run(folder, MOMENTS[-1], "--full-refresh")
    assert published(folder) == said
    assert rebuilt.results_hash == outcome.results_hash
