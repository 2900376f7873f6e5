"""Groups by their sum, sides made of an entity, windows in business days: declared, on every engine, and the same when
built day by day and at once."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.python.declarations import shop
from tests.python.declarations.project import registry, write, write_registry
from tests.python.declarations.test_new_system import deliver
from tests.python.laws.harness import Folder, NewDatabase

FIRST, SECOND = datetime(2026, 3, 20, 6, tzinfo=UTC), datetime(2026, 3, 21, 6, tzinfo=UTC)
DAY = 24 * 60

MODELS = {
    "canonical/book_entries.sql": "{{ config(materialized='view') }} select * from {{ ref('ledger_entries') }}",
    "canonical/book_entries__dispositions.sql": "{{ dispositions(records='book_entries', feed=['ledger/entries']) }}",
    "reconciliations/slips/slips__by_slip.sql": "{{ reconcile(ladder='slips',"
    " match=many_to_one(on=['order_ref', 'currency'])) }}",
    "reconciliations/slips/slips__by_days.sql": "{{ reconcile(ladder='slips', match=one_to_one("
    "on=['currency', 'amount_minor'], within={'business_date': '0 to 2 business days'}), on_match='ID_MISMATCH') }}",
    "reconciliations/slips/slips__unmatched.sql": "{{ unmatched(ladder='slips') }}",
}
# March 2nd, 2026 is a Monday: +4 is Friday, +8 the Tuesday after it.
SALES = (
    shop.sale("A1", "B1", 100),
    shop.sale("A2", "B1", 200),
    shop.sale("A3", "B1", 300),
    shop.sale("C1", "B2", 100),
    shop.sale("C2", "B2", 200),
    shop.sale("D1", "B3", 700),
    shop.sale("E1", "B4", 800),
    shop.sale("F1", "B5", 900, 4 * DAY),
    shop.sale("G1", "B6", 1100, 4 * DAY),
    shop.sale("H1", "B7", 1200, 4 * DAY),
    shop.sale("I1", "", 1300),
    shop.sale("J1", "B8", 400),
    shop.sale("J2", "B8", 150),
    shop.sale("K1", "B9", 250),
)
ENTRIES = (
    shop.entry("Z1", "B1", 600),
    shop.entry("Z2", "B2", 301),
    shop.entry("Z3", "B3", 700),
    shop.entry("Z4", "B4", 800),
    shop.entry("Z5", "B4", 800),
    shop.entry("Z6", "", 900, 8 * DAY),
    shop.entry("Z7", "", 1100, 9 * DAY),  # three business days after
    shop.entry("Z8", "", 1200, 3 * DAY),  # before the sale
    shop.entry("Z10", "B8", 400),
    shop.entry("Z11", "B9", 275),
)
FIRST_VERDICTS = {
    ("by_slip", "MATCHED", "", None, "Z1", 3, 0),
    ("by_slip", "MISMATCHED", "SUM_DIFFERS", None, "Z2", 2, -1),
    ("by_slip", "MATCHED", "", None, "Z3", 1, 0),
    ("by_slip", "MISMATCHED", "SUM_DIFFERS", None, "Z10", 2, 150),
    ("by_slip", "MISMATCHED", "SUM_DIFFERS", None, "Z11", 1, -25),
    ("by_slip", "AMBIGUOUS", "AMBIGUOUS_MATCH", "E1", None, None, None),
    ("by_slip", "AMBIGUOUS", "AMBIGUOUS_MATCH", None, "Z4", None, None),
    ("by_slip", "AMBIGUOUS", "AMBIGUOUS_MATCH", None, "Z5", None, None),
    ("by_days", "MISMATCHED", "ID_MISMATCH", "F1", "Z6", None, 0),
    ("unmatched", "MISSING_TARGET", "MISSING_BOOK", "G1", None, None, None),
    ("unmatched", "MISSING_TARGET", "MISSING_BOOK", "H1", None, None, None),
    ("unmatched", "MISSING_TARGET", "MISSING_BOOK", "I1", None, None, None),
    ("unmatched", "MISSING_SOURCE", "UNEXPECTED_ENTRY", None, "Z7", None, None),
    ("unmatched", "MISSING_SOURCE", "UNEXPECTED_ENTRY", None, "Z8", None, None),
}
# A line that was missing makes B2 right; D1 moves to the slip of B1, whose sum is then too high; H1 gets its entry.
# J2 is of no slip, so that J1 stands alone; K1 gets company. A newer Z2 cannot be read.
LATE_SALES = (
    shop.sale("C3", "B2", 1),
    shop.sale("D1", "B1", 700, version=2),
    shop.sale("J2", "", 150, version=2),
    shop.sale("K2", "B9", 25),
)
LATE_ENTRIES = (shop.entry("Z9", "", 1200, 7 * DAY), shop.entry("Z2", "B2", 301, 1).replace("3.01", "three"))
SECOND_VERDICTS = FIRST_VERDICTS - {
    ("by_slip", "MATCHED", "", None, "Z1", 3, 0),
    ("by_slip", "MISMATCHED", "SUM_DIFFERS", None, "Z2", 2, -1),
    ("by_slip", "MATCHED", "", None, "Z3", 1, 0),
    ("by_slip", "MISMATCHED", "SUM_DIFFERS", None, "Z10", 2, 150),
    ("by_slip", "MISMATCHED", "SUM_DIFFERS", None, "Z11", 1, -25),
    ("unmatched", "MISSING_TARGET", "MISSING_BOOK", "H1", None, None, None),
} | {
    ("by_slip", "MATCHED", "", None, "Z10", 1, 0),
    ("unmatched", "MISSING_TARGET", "MISSING_BOOK", "J2", None, None, None),
    ("by_slip", "MATCHED", "", None, "Z11", 2, 0),
    ("by_slip", "MISMATCHED", "SUM_DIFFERS", None, "Z1", 4, 700),
    ("by_slip", "MISMATCHED", "STALE_VERSION", None, "Z2", 3, 0),
    ("unmatched", "MISSING_SOURCE", "UNEXPECTED_ENTRY", None, "Z3", None, None),
    ("by_days", "MISMATCHED", "ID_MISMATCH", "H1", "Z9", None, 0),
}


ALONE = {"Z3": "D1", "Z10": "J1", "Z11": "K1"}  # the only sale of an entry's slip, where it has one


def expected(told: set[tuple[Any, ...]], pairs: bool) -> Counter[tuple[Any, ...]]:
    """A group of one as what it is: a pair, where the rule wants pairs."""
    return Counter((*row[:3], ALONE[row[4]], row[4], None, row[6]) if pairs and row[5] == 1 else row for row in told)


def extend(folder: Path, pairs: bool = False) -> Path:
    """The shop's project with a stream of groups in place of its own."""
    project = shop.extend(folder)
    for file in (project / "models" / "reconciliations" / shop.STREAM).iterdir():
        file.unlink()
    for path, sql in MODELS.items():
        write(
            project,
            f"models/{path}",
            (sql.replace("'currency']))", "'currency'], pairs=true))") if pairs else sql) + "\n",
        )
    settings = registry(project)
    del settings["vars"]["streams"][shop.STREAM]
    settings["vars"].setdefault("entities", {})["book/entries"] = {"code": "BOOK", "feeds": ["ledger/entries"]}
    settings["vars"]["streams"]["slips"] = {
        "ladders": {
            "slips": {
                "source": "till/sales",
                "target": "book/entries",
                "checks": ["currency_equality", {"price_tolerance": "SUM_DIFFERS"}],
                "absent": {"source": "UNEXPECTED_ENTRY"},
                "steps": ["by_slip", "by_days"],
                "carries": ["order_ref"],
            }
        }
    }
    write_registry(project, settings)
    return project


def run(folder: Folder, as_of: datetime, project: Path, *arguments: str) -> str:
    done = folder.start(as_of, *arguments, TIEOUT_PROJECT_DIR=str(project))
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    summary = json.loads(done.stdout)
    assert summary["laws"]["failed"] == 0
    return str(summary["streams"]["slips"]["results_hash"])


def verdicts(folder: Folder) -> Counter[tuple[object, ...]]:
    return Counter(
        folder.published(
            "select step, result, anomalies, source_activity_id, target_activity_id, member_count, difference_minor"
            " from marts.reconciliation_results where stream = 'slips'"
        )
    )


@pytest.mark.postgres
@pytest.mark.parametrize("pairs", [False, True], ids=["groups", "groups and pairs"])
def test_groups_and_business_days(pairs: bool, tmp_path: Path, new_database: NewDatabase) -> None:
    project = extend(tmp_path / "project", pairs)
    hashes = {}
    for target in ("duckdb", "postgres"):
        folder = Folder(tmp_path / target, target, new_database(target))
        deliver(folder, "till/sales", "sales.csv", shop.SALES_HEADER, *SALES)
        deliver(folder, "ledger/entries", "entries.csv", shop.ENTRIES_HEADER, *ENTRIES)
        first = run(folder, FIRST, project)
        assert verdicts(folder) == expected(FIRST_VERDICTS, pairs)
        assert ("ledger", "SUM_DIFFERS", 1) in folder.published(
            "select target_system, anomaly, amount_minor from marts.exceptions"
        )
        deliver(folder, "till/sales", "late.csv", shop.SALES_HEADER, *LATE_SALES)
        deliver(folder, "ledger/entries", "late.csv", shop.ENTRIES_HEADER, *LATE_ENTRIES)
        second = run(folder, SECOND, project)
        assert verdicts(folder) == expected(SECOND_VERDICTS, pairs)
        assert run(folder, SECOND, project, "--full-refresh") == second
        hashes[target] = (first, second)
    assert hashes["duckdb"] == hashes["postgres"]
