"""Whether all is well: what is told of every kind of trouble, and the exit code."""

import json
import shutil
from collections import namedtuple
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from click.testing import CliRunner

from orchestration.cli import main
from orchestration.health import verified
from orchestration.health.checks import Limits, check_health
from orchestration.runs import State
from tests.python.health.conftest import NOW, Past

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Disk = namedtuple("Disk", "total used free")


@pytest.fixture(autouse=True)
def roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk of whoever tests is no matter."""
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Disk(100, 50, 50))


def wrong(past: Past, limits: Limits | None = None) -> dict[str, str]:
    return {c.check: c.message for c in check_health(past.data, past.project, "duckdb", NOW, limits) if not c.ok}


def test_a_new_folder_is_well(past: Past) -> None:
    assert wrong(past) == {}


def test_a_run_that_failed_is_told_until_one_has_made_up_for_it(past: Past) -> None:
    past.run(3 * HOUR, State.FAILED, failure={"failure_class": "LAW", "failure_code": "law_2", "failure_message": ""})
    assert "law_2" in wrong(past)["last_run"]
    past.run(2 * HOUR, State.CANCELLED)
    assert wrong(past) == {}
    past.run(HOUR, State.FAILED)
    assert set(wrong(past)) == {"last_run"}
    past.run(timedelta(minutes=5), State.CLOSED)
    assert wrong(past) == {}


def test_a_run_whose_process_is_gone_has_crashed(past: Past) -> None:
    past.run(HOUR, State.RUNNING)
    with past.data.lock("tieout run"):
        # In another container nobody sees a process of this number.
        (past.data.root / ".lock").write_text("process 4194305, tieout run")
        assert wrong(past) == {}
    assert "CRASHED" in wrong(past)["last_run"]
    # One that readers see the outcome of had ended.
    past.run(timedelta(minutes=30), State.RUNNING, published=True)
    assert wrong(past) == {}


def test_a_run_that_is_killed_leaves_its_name_in_the_lock(past: Past) -> None:
    past.run(timedelta(minutes=5), State.RUNNING)
    # Nobody holds the folder between two steps of Dagster.
    assert wrong(past) == {}
    (past.data.root / ".lock").write_text("process 1, tieout alerts")
    assert wrong(past) == {}
    (past.data.root / ".lock").write_text("process 1, tieout run")
    assert "CRASHED" in wrong(past)["last_run"]


def test_a_run_of_which_the_audit_was_told_is_not_at_work(past: Past) -> None:
    """As `pipeline.settle` leaves it."""
    past.run(timedelta(minutes=5), State.RUNNING, audited=True)
    with past.data.lock("tieout run"):
        assert "CRASHED" in wrong(past)["last_run"]
    past.run(timedelta(minutes=4), State.RUNNING, audited=True, published=True)
    assert wrong(past) == {}


@pytest.mark.parametrize(
    ("said", "ago", "well"),
    [
        ("hourly", timedelta(minutes=80), True),
        ("hourly", timedelta(minutes=100), False),
        # The run of 06:00 has another half an hour.
        ("daily", timedelta(hours=24), True),
        ("daily", timedelta(hours=25), False),
        ({"cron": "0 8 * * *", "time_zone": "Europe/Helsinki"}, timedelta(hours=24), True),
        ({"cron": "0 6 * * *", "time_zone": "Europe/Helsinki"}, timedelta(hours=24), False),
        ({"on_arrival": True}, timedelta(hours=25), False),
        (None, timedelta(days=50), True),
    ],
)
def test_a_stream_is_behind_its_schedule(past: Past, said: object, ago: timedelta, well: bool) -> None:
    past.schedule(said)
    past.run(ago, State.CLOSED)
    assert set(wrong(past, Limits(max_unverified=None))) == (set() if well else {"stream sales"})


def test_a_stream_that_fails_again_and_again_is_behind(past: Past) -> None:
    past.schedule("hourly")
    past.run(5 * HOUR, State.FAILED)
    past.run(HOUR / 2, State.CLOSED, requested={"stream": "others"})
    assert "has never closed" in wrong(past)["stream sales"]
    assert "stream sales" not in wrong(past, Limits(max_age=6 * HOUR))
    past.run(timedelta(minutes=10), State.CLOSED, requested={"stream": "sales"})
    assert "stream sales" not in wrong(past)


def test_a_daily_run_that_is_missed_is_told_beside_hourly_ones_that_close(past: Past) -> None:
    past.schedule("hourly")
    past.run(DAY + HOUR, State.CLOSED, mode="daily")
    for hours in range(1, 6):
        past.run(hours * HOUR, State.CLOSED, mode="hourly")
    message = wrong(past)["stream sales"]
    assert message.startswith("Judging everybody, it last closed at 2026-03-09 05:31 UTC; a daily run was due by")
    # One that judges everybody is as good as an hourly one, and not the other way round.
    past.run(HOUR / 2, State.CLOSED, mode="daily")
    assert wrong(past) == {}


def test_a_delivery_that_has_not_come_is_told(past: Past) -> None:
    past.expect(cron="0 6 * * *", early="6 hours")
    past.land(NOW - DAY)
    assert "pos/orders of acme, due 2026-03-10 06:00 UTC" in wrong(past)["feeds"]
    past.land(NOW)
    assert wrong(past) == {}


def test_a_disk_that_is_nearly_full_is_told(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Disk(1000, 951, 49))
    assert "4.9 %" in wrong(past)["disk"]
    assert wrong(past, Limits(min_free_percent=4)) == {}


def test_the_audit_is_to_be_verified_and_to_hold(past: Past) -> None:
    past.run(20 * DAY, State.CLOSED)
    assert "Never verified" in wrong(past)["audit"]
    assert wrong(past, Limits(max_unverified=None)) == {}
    verified.note(past.data, "duckdb", verified.Verified(NOW - 9 * DAY, 1, 1, 0, 0))
    assert "Last verified" in wrong(past)["audit"]
    verified.note(past.data, "duckdb", verified.Verified(NOW - DAY, 1, 1, 0, 0))
    assert wrong(past) == {}
    verified.note(past.data, "duckdb", verified.Verified(NOW, 1, 1, 0, 1))
    assert "not as written" in wrong(past)["audit"]
    (past.data.root / "health" / "verified-duckdb.json").write_text("{")
    assert "Never verified" in wrong(past)["audit"]


def test_the_command_says_it_in_words_in_json_and_by_its_exit_code(past: Past, still: Callable[[], datetime]) -> None:
    command = ["health", "--data-dir", str(past.data.root)]
    well = CliRunner().invoke(main, command)
    assert (well.exit_code, well.output.splitlines()[-1]) == (0, "All is well.")
    assert (past.data.root / "health" / "tieout.prom").is_file()
    past.run(HOUR, State.FAILED)
    ill = CliRunner().invoke(main, [*command, "--json"])
    answer = json.loads(ill.output)
    assert ill.exit_code == 1
    assert answer["healthy"] is False
    assert [check["check"] for check in answer["checks"] if not check["ok"]] == ["last_run"]
    assert answer["metrics"].endswith("health/tieout.prom")
    assert CliRunner().invoke(main, [*command, "--max-age", "soon"]).exit_code == 2


def test_who_may_not_write_the_numbers_is_answered_all_the_same(past: Past) -> None:
    (past.data.root / "health").write_text("not a folder")
    answer = CliRunner().invoke(main, ["health", "--data-dir", str(past.data.root), "--json"])
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["metrics"] is None
