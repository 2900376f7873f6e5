"""A world without faults is right at any size: nothing is overdue at its end."""

from datetime import date

import pytest

from examples.payouts.clock import DAY
from examples.payouts.world import Plan, World


@pytest.mark.parametrize(
    ("orders", "days", "start"),
    [
        (48, 28, date(2026, 2, 2)),
        (60, 21, date(2026, 10, 19)),
        (500, 60, date(2026, 1, 1)),
        (300, 90, date(2026, 2, 9)),
    ],
)
@pytest.mark.parametrize("seed", [1, 5])
def test_nothing_is_overdue(orders, days, start, seed, tmp_path):
    world = World(Plan(orders, days, seed, (), start=start), tmp_path / "inbox", tmp_path / "key")
    summary = world.run()
    assert not summary["findings"]
    assert not summary["faults"]
    assert set(summary["payouts"]) <= {"TIED_OUT", "IN_TRANSIT", "FEED_LATE"}
    # what no file shows yet is younger than the grace window
    oldest = (world.last + 2) * DAY + 6 * 3600 - world.grace_days * DAY
    for account in world.accounts:
        for one in getattr(account, "accounts", [account]):
            waiting = [*one.open, *(entry[2] for entry in one.pending)]
            assert not [line for line in waiting if line.kind == "CHARGE" and line.at < oldest]
    late = [payout for payout in world.payouts.values() if payout.org != "late_lane" and payout.day < world.last - 7]
    assert not late
