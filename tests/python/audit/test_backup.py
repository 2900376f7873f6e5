"""After a disaster: what was backed up, restored into an empty place, comes to the same results, the same exceptions
with the same history, and an audit that proves itself. On both engines, after all that can happen to a run."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from tests.python.audit.conftest import DAY_3, History
from tests.python.laws.harness import Folder, NewDatabase, state

KEPT = ("exception_log", "rules", "absorptions", "exception_states", "policy_history", "reconciliation_runs")


def kept(folder: Folder) -> dict[str, Any]:
    """What can never be made again, row by row."""
    return {name: Counter(map(repr, folder.warehouse(f"select * from audit.{name}"))) for name in KEPT}


def test_a_restored_backup_comes_to_the_same_answer(
    history: History, tmp_path: Path, new_database: NewDatabase
) -> None:
    before, rows = state(history.folder), kept(history.folder)
    file = history.json("backup", "create", "--to", str(tmp_path / "backup.tar"))["path"]
    assert state(history.folder) == before
    verified = history.tieout("backup", "verify", file)
    assert verified.returncode == 0, verified.stdout + verified.stderr

    environment = {**history.folder.environment, **new_database(history.folder.target)}
    new = History(Folder(tmp_path / "new", history.folder.target, environment))
    restored = new.json("restore", file)
    assert restored["audit"]["verified"] is True
    assert kept(new.folder) == rows
    record = json.loads((history.folder.root / "runs" / f"{history.runs['healed']}.json").read_text())
    assert restored["latest"]["run_id"] == history.runs["healed"]

    # The first run makes the warehouse anew, whatever the restored records say of what has been built.
    run = new.folder.run(DAY_3)
    said = run.summary["streams"]["pos_oms_orders"]["results_hash"]
    assert said == restored["latest"]["results_hashes"]["pos_oms_orders"]
    assert said == record["summary"]["streams"]["pos_oms_orders"]["results_hash"]
    after = state(new.folder)
    # Results name the run that judged them; their hash does not.
    for name in ("exceptions", "exception_log", "reconciliation_summary", "control_totals", "landing"):
        assert after[name] == before[name], name
    assert new.json("audit", "verify")["verified"] is True

    # Nobody restores over it.
    again = new.tieout("restore", file)
    assert again.returncode == 2
    assert "is not empty" in again.stderr
    if history.folder.target == "postgres":
        other = History(Folder(tmp_path / "other", "postgres", environment))
        refused = other.tieout("restore", file)
        assert refused.returncode == 2
        assert "database is not empty" in refused.stderr
        assert "audit (" in refused.stderr
