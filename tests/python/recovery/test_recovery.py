"""Whatever breaks a run: the next one comes to what an undisturbed run came to, nothing lost and nothing twice."""

import pytest

from tests.python.recovery.scenarios import SCENARIOS, Scenario
from tests.python.recovery.stage import Stage

# All scenarios of an engine in one worker: they share a stage.
MARKS = {
    "duckdb": [pytest.mark.xdist_group("recovery-duckdb")],
    "postgres": [pytest.mark.postgres, pytest.mark.xdist_group("recovery-postgres")],
}


@pytest.mark.parametrize("scenario", [pytest.param(s, id=s.name, marks=MARKS[s.target]) for s in SCENARIOS])
def test_the_next_run_comes_to_what_an_undisturbed_one_came_to(
    scenario: Scenario, request: pytest.FixtureRequest
) -> None:
    stage: Stage = request.getfixturevalue(f"{scenario.target}_stage")
    played = scenario.play(stage)
    assert played.seen
