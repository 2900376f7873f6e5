"""Landing where the clock has been put back since the latest delivery."""

from datetime import UTC, datetime, timedelta

import pytest

from orchestration import clock, pipeline
from orchestration.errors import UsageError
from tests.python.pipeline.conftest import MINI, Mini

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_landing_goes_on_when_the_clock_goes_back_a_little(mini: Mini, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIEOUT_PROJECT_DIR", str(MINI))
    mini.deliver("one.csv", "A1:100")
    pipeline.land(mini.root, NOON)
    mini.deliver("two.csv", "A2:100")
    monkeypatch.setattr(clock, "now", lambda: NOON - timedelta(seconds=1))
    assert pipeline.land(mini.root, None)[0].batches == 1
    assert pipeline.latest_received_at(mini.root) == NOON
    # By more nobody knows which of the two is right; what is said is of the clock, for nobody gave a time.
    monkeypatch.setattr(clock, "now", lambda: NOON - timedelta(hours=1))
    with pytest.raises(UsageError, match=r"The clock says 2026-03-02T11:00.*nothing can be received in the past"):
        pipeline.land(mini.root, None)
    with pytest.raises(UsageError, match=r"--as-of 2026-03-02T11:00.* lies before"):
        pipeline.land(mini.root, NOON - timedelta(hours=1))
