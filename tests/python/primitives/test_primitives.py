"""Every primitive, on every engine: the same answers, and the ones that Python gives."""

from pathlib import Path

import pytest

from tests.python.laws.conftest import BOTH
from tests.python.laws.harness import NewDatabase
from tests.python.primitives.engine import run
from tests.python.primitives.tables import TABLES


@pytest.mark.parametrize("target", BOTH)
def test_primitives_answer_as_python_does(tmp_path: Path, target: str, new_database: NewDatabase) -> None:
    made = run(tmp_path / "project", TABLES, target, new_database(target))
    faults = [fault for table in TABLES for fault in table.faults(made[table.name])]
    assert not faults, f"{len(faults)} answers of {target} are not what they must be:\n" + "\n".join(faults[:40])
