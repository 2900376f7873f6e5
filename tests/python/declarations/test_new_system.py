"""A system and a stream of another kind need their own folders and the registry, nothing else, on every engine."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.python.declarations import shop
from tests.python.declarations.project import ROOT
from tests.python.laws.harness import Folder, NewDatabase

FIRST, SECOND = datetime(2026, 3, 3, 6, tzinfo=UTC), datetime(2026, 3, 4, 6, tzinfo=UTC)


def deliver(folder: Folder, feed: str, name: str, *lines: str) -> None:
    """Put a file into the inbox."""
    file = folder.root / "inbox" / "shop" / feed / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def run(folder: Folder, as_of: datetime, project: Path) -> str:
    """Run the command on the extended project; returns the hash of the new stream's results."""
    done = folder.start(as_of, TIEOUT_PROJECT_DIR=str(project))
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    summary = json.loads(done.stdout)
    assert summary["laws"]["failed"] == 0
    return str(summary["streams"][shop.STREAM]["results_hash"])


def verdicts(folder: Folder) -> Counter[shop.Verdict]:
    """What was published of the new stream."""
    return Counter(
        folder.published(
            "select step, result, anomalies, source_activity_id, target_activity_id from marts.reconciliation_results"
            f" where stream = '{shop.STREAM}'"
        )
    )


@pytest.mark.postgres
def test_a_new_system_needs_only_declarations(tmp_path: Path, new_database: NewDatabase) -> None:
    project = shop.extend(tmp_path / "project")
    hashes = {}
    for target in ("duckdb", "postgres"):
        folder = Folder(tmp_path / target, target, new_database(target))
        deliver(folder, "till/sales", "sales.csv", shop.SALES_HEADER, *shop.SALES)
        deliver(folder, "ledger/entries", "entries.csv", shop.ENTRIES_HEADER, *shop.ENTRIES)
        first = run(folder, FIRST, project)
        # S4 stands there twice, once a content: both contradict each other.
        due = Counter(shop.VERDICTS) + Counter([("by_slip_and_time", "AMBIGUOUS", "CONFLICT_TILL", "S4", None)])
        assert verdicts(folder) == due
        assert folder.published(
            "select business_date, source_amount_minor, skew_microseconds from marts.reconciliation_results"
            " where source_activity_id = 'S1'"
        ) == [(datetime(2026, 3, 3).date(), 123456, 300_000_000)]  # noqa: DTZ001
        assert {
            (feed, row, reasons)
            for feed, row, reasons in folder.published(
                "select feed, row_number, reasons from marts.rejected_records where org_id = 'shop'"
            )
        } == {
            ("till/sales", 20, "betrag: unreadable_amount"),
            ("till/sales", 21, "zeit: nonexistent_local_time"),
            ("ledger/entries", 10, "value: too_many_decimals"),
        }
        deliver(folder, "ledger/entries", "late.csv", shop.ENTRIES_HEADER, *shop.LATE_ENTRIES)
        second = run(folder, SECOND, project)
        assert verdicts(folder) == due - Counter(shop.GONE) + Counter(shop.COME)
        hashes[target] = (first, second)
    assert hashes["duckdb"] == hashes["postgres"]


def test_the_extension_is_one(tmp_path: Path) -> None:
    """Nothing that was there is touched but the registry: else the tests above would prove nothing."""
    project = shop.extend(tmp_path / "project")
    for part in ("macros", "models", "seeds", "tests/generic", "tests/laws"):
        for file in (project / part).rglob("*.*"):
            own = ROOT / file.relative_to(project)
            assert not own.exists() or own.read_bytes() == file.read_bytes()
