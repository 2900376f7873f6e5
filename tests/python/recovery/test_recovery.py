"""Whatever breaks a run: the next one comes to what an undisturbed run came to, nothing lost and nothing twice."""

from datetime import timedelta
from pathlib import Path

import pytest

from orchestration import pipeline, runs
from orchestration.data_dir import DataDir
from orchestration.progress import Silent
from tests.python.ready import ROOT
from tests.python.recovery.scenarios import SCENARIOS, Scenario
from tests.python.recovery.stage import DAY_2, Stage

# All scenarios of an engine in one worker: they share a stage.
MARKS = {
    "duckdb": [pytest.mark.xdist_group("recovery-duckdb")],
    "postgres": [pytest.mark.postgres, pytest.mark.xdist_group("recovery-postgres")],
}


@pytest.mark.parametrize(
    "scenario", [pytest.param(s, id=s.name, marks=MARKS[s.target]) for s in SCENARIOS if s.in_suite]
)
def test_the_next_run_comes_to_what_an_undisturbed_one_came_to(
    scenario: Scenario, request: pytest.FixtureRequest
) -> None:
    stage: Stage = request.getfixturevalue(f"{scenario.target}_stage")
    played = scenario.play(stage)
    assert played.seen


class Heard(Silent):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_a_clock_that_is_put_back_far_makes_a_replay_and_says_it() -> None:
    """A little is held; more is nobody's to decide, so that the run is a replay, told with what to do about it."""
    heard = Heard()
    assert pipeline._not_backwards(DAY_2 - timedelta(minutes=5), DAY_2, heard) == DAY_2
    assert pipeline._not_backwards(DAY_2, DAY_2 - timedelta(days=1), heard) == DAY_2
    assert pipeline._not_backwards(DAY_2 - timedelta(minutes=6), DAY_2, heard) == DAY_2 - timedelta(minutes=6)
    assert len(heard.notes) == 2
    assert "as_of stays 2026-03-04T20:00:00.000000Z" in heard.notes[0]
    assert "Nobody asked for a replay" in heard.notes[1]
    assert "--as-of 2026-03-04T20:00:00.000000Z goes on from there" in heard.notes[1]


def test_ids_of_runs_sort_by_what_came_first_whatever_the_clock_said(data_dir: Path) -> None:
    data = DataDir.at(data_dir)
    ids = []
    for moment in (DAY_2, DAY_2 - timedelta(days=1), DAY_2 - timedelta(days=2), DAY_2 + timedelta(hours=1)):
        ids.append(runs.next_run_id(data, moment))
        (data.runs / f"{ids[-1]}.json").parent.mkdir(exist_ok=True)
        (data.runs / f"{ids[-1]}.json").write_text("{}")
    assert ids == sorted(ids)
    assert ids[0].startswith("20260304T200000Z-")
    assert ids[1].startswith("20260304T200001Z-")
    assert ids[3].startswith("20260304T210000Z-")


def test_the_page_of_faults_tells_of_every_scenario() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    missing = [s.name for s in SCENARIOS if s.fault not in page]
    assert not missing, f"docs/reliability.md does not tell of {missing}: make reliability"
