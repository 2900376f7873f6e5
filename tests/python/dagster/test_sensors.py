"""What starts runs when something comes: one run for all that is complete, and none for what is under way."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration import dagster_sensors, pipeline
from orchestration.dagster_sensors import Seen, arrival_request, look, watch_once
from orchestration.data_dir import DataDir
from orchestration.errors import TieoutError
from orchestration.landing import connectors
from orchestration.landing.connectors import Connector, Pending
from orchestration.project import project_dir
from orchestration.runs import RunRecord
from orchestration.streams import StreamPage, Timing

PAGES = {
    "calls": StreamPage("calls", on_arrival=True, timings=(Timing("0 6 * * *", "UTC"),)),
    "waits": StreamPage("waits", timings=(Timing("0 6 * * *", "UTC"),)),
}
NOW = datetime(2026, 3, 3, 6, tzinfo=UTC)
READ_BY = {"calls": {"pos/orders", "oms/orders"}, "waits": {"bank/statement"}}


def put(inbox: Path, name: str, text: str = "a,b\n") -> Path:
    file = inbox / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_a_file_is_complete_when_two_looks_find_it_the_same(tmp_path: Path) -> None:
    file = put(tmp_path, "acme/pos/orders/a.csv")
    fresh, seen = look(tmp_path, Seen(), NOW)
    assert fresh == []
    file.write_text("a,b\n1,2\n")
    fresh, seen = look(tmp_path, seen, NOW)
    assert fresh == [], "it is still being written"
    # What an upload gives an old time has come all the same.
    put(tmp_path, "acme/pos/orders/old.csv")
    os.utime(tmp_path / "acme/pos/orders/old.csv", (0, 0))
    fresh, seen = look(tmp_path, Seen.read(seen.cursor()), NOW)
    assert fresh == ["acme/pos/orders/a.csv"]
    fresh, seen = look(tmp_path, seen, NOW)
    assert fresh == ["acme/pos/orders/a.csv", "acme/pos/orders/old.csv"]


def test_a_marker_says_at_once_that_a_file_is_complete(tmp_path: Path) -> None:
    put(tmp_path, "acme/pos/orders/a.csv")
    put(tmp_path, "acme/pos/orders/a.csv.done", "")
    put(tmp_path, "acme/pos/orders/b.csv.part")
    assert look(tmp_path, Seen(), NOW)[0] == ["acme/pos/orders/a.csv"]


def test_a_name_that_is_not_utf8_is_found_like_any_other(tmp_path: Path) -> None:
    """It goes to the failed files with the run; until then it must not keep the others from starting one."""
    put(tmp_path, odd := os.fsdecode(b"acme/pos/orders/caf\xe9.csv"))
    put(tmp_path, "acme/pos/orders/a.csv")
    _, seen = look(tmp_path, Seen(), NOW)
    assert set(look(tmp_path, Seen.read(seen.cursor()), NOW)[0]) == {odd, "acme/pos/orders/a.csv"}


def test_a_cursor_that_cannot_be_read_is_a_new_one() -> None:
    assert Seen.read("not JSON") == Seen.read("[1]") == Seen.read(None) == Seen()
    assert Seen.read('{"asked": ["of an older version"]}') == Seen()


@dg.job(name="tieout")
def stands_for_a_run() -> None:
    """Stands for the whole run."""


def test_what_a_run_left_in_the_inbox_is_asked_for_again(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIEOUT_DATA_DIR", str(data_dir))
    monkeypatch.setattr(dagster_sensors, "feeds_of_streams", lambda project: READ_BY)
    put(data_dir / "inbox", "acme/pos/orders/a.csv")
    put(data_dir / "inbox", "acme/pos/orders/a.csv.done", "")
    arrivals, cursor, keys = sensor("arrivals"), None, {}
    with dg.DagsterInstance.ephemeral() as instance:
        # It is asked for at once; ten minutes after that; and twenty after that.
        for minute in (0, 9, 11, 21, 30, 32):
            monkeypatch.setattr("orchestration.clock.now", lambda minute=minute: NOW + timedelta(minutes=minute))
            said = arrivals.evaluate_tick(dg.build_sensor_context(instance, cursor=cursor))
            if said.run_requests:
                keys[minute] = said.run_requests[0].run_key
            cursor = said.cursor
        assert list(keys) == [0, 11, 32]
        assert len(set(keys.values())) == 3, "Dagster starts none twice with a key"
        # While any run is under way it may still be taken.
        monkeypatch.setattr("orchestration.clock.now", lambda: NOW + timedelta(days=1))
        instance.create_run_for_job(stands_for_a_run, status=dg.DagsterRunStatus.STARTED)
        said = arrivals.evaluate_tick(dg.build_sensor_context(instance, cursor=cursor))
        assert said.run_requests == []


def sensor(name: str, project: Path | None = None) -> dg.SensorDefinition:
    @dg.job(name="tieout")
    def tieout() -> None:
        """Stands for the whole run."""

    @dg.job(name="land")
    def land() -> None:
        """Stands for landing alone."""

    (found,) = [
        one for one in dagster_sensors.sensors_of(project or project_dir(), PAGES, [tieout, land]) if one.name == name
    ]
    return found


def test_the_inbox_gives_one_run_for_all_that_came(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIEOUT_DATA_DIR", str(data_dir))
    monkeypatch.setattr(dagster_sensors, "feeds_of_streams", lambda project: READ_BY)
    for name in ("acme/pos/orders/a.csv", "acme/oms/orders/b.csv", "globex/pos/orders/a.csv"):
        put(data_dir / "inbox", name)
    arrivals, cursor, ticks = sensor("arrivals"), None, []
    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(3):
            said = arrivals.evaluate_tick(dg.build_sensor_context(instance, cursor=cursor))
            ticks.append(said.run_requests)
            cursor = said.cursor
        put(data_dir / "inbox", "acme/bank/statement/c.csv")
        for _ in range(2):
            said = arrivals.evaluate_tick(dg.build_sensor_context(instance, cursor=cursor))
            cursor = said.cursor
    assert [len(requests) for requests in ticks] == [0, 1, 0]
    (request,) = ticks[1]
    assert request.job_name == "tieout"
    assert request.run_config["resources"]["books"]["config"] == {"mode": "daily", "stream": "calls"}
    # Nobody is called by a bank statement: it is landed, and waits for its stream's hour.
    (landing,) = said.run_requests
    assert landing.job_name == "land"
    assert landing.run_key != request.run_key
    assert len(json.loads(said.cursor)["asked"]) == 4


def test_no_second_run_while_one_that_does_the_same_waits() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        request = arrival_request(instance, {"pos/orders"}, PAGES, READ_BY, "key")
        assert request is not None

        @dg.job(name="tieout")
        def tieout() -> None:
            """Stands for the whole run."""

        instance.create_run_for_job(tieout, status=dg.DagsterRunStatus.NOT_STARTED, tags=dict(request.tags))
        assert arrival_request(instance, {"pos/orders"}, PAGES, READ_BY, "other") is None
        assert arrival_request(instance, {"bank/statement"}, PAGES, READ_BY, "other") is not None


def test_a_run_that_was_killed_is_told_to_the_audit(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIEOUT_DATA_DIR", str(data_dir))
    data = DataDir.at(data_dir)
    moment = "2026-03-03T06:00:00.000000Z"
    RunRecord("20260303T060000Z-killed", moment, moment, "duckdb", replay=False).save(data)
    with data.lock("a run"):
        assert pipeline.settle(data.root, "duckdb") == 0, "somebody is at work"
    said, rest = watch_once(project_dir(), lambda text: None)
    assert "1 killed runs" in said
    assert rest == ""
    assert json.loads((data.runs / "20260303T060000Z-killed.json").read_text())["audited"]
    assert "killed runs" not in watch_once(project_dir(), lambda text: None)[0]


def test_what_fails_in_a_watch_keeps_nothing_else_from_being_done(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIEOUT_DATA_DIR", str(data_dir))
    monkeypatch.setattr("orchestration.pipeline.settle", lambda *given: 1 / 0)
    told: list[str] = []
    with pytest.raises(TieoutError, match="settle: division by zero"):
        watch_once(project_dir(), told.append)
    assert told == ["settle: division by zero"]


def test_connectors_give_one_run_for_all_that_is_ready(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIEOUT_DATA_DIR", str(data_dir))
    monkeypatch.setattr(dagster_sensors, "feeds_of_streams", lambda project: READ_BY)
    (tmp_path / "connectors").mkdir()
    declared = {
        "bank": Connector("bank", "sftp", "connectors/bank.yml", feeds=("bank/statement",)),
        "shop": Connector("shop", "sftp", "connectors/shop.yml", feeds=("pos/orders",)),
        "gone": Connector("gone", "sftp", "connectors/gone.yml", feeds=("pos/orders",)),
    }
    said = {
        "bank": Pending("bank", ready=("a",), fingerprint="1"),
        "shop": Pending("shop", ready=("b",), fingerprint="2"),
        "gone": Pending("gone", error="no connection"),
    }
    monkeypatch.setattr(connectors, "load_connectors", lambda project: declared)
    monkeypatch.setattr(connectors, "pending", lambda data, project, name: said[name])
    poll, cursor, ticks = sensor("connectors", tmp_path), None, []
    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(2):
            tick = poll.evaluate_tick(dg.build_sensor_context(instance, cursor=cursor))
            ticks.append(tick.run_requests)
            cursor = tick.cursor
        said["bank"] = Pending("bank", ready=("a", "c"), fingerprint="3")
        ticks.append(poll.evaluate_tick(dg.build_sensor_context(instance, cursor=cursor)).run_requests)
    assert [[request.job_name for request in requests] for requests in ticks] == [["tieout"], [], ["land"]]


def test_a_connector_that_does_not_answer_for_a_moment_is_not_asked_for_anew(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dagster takes no run for a key that it knows: who forgets what was asked for asks for nothing."""
    monkeypatch.setenv("TIEOUT_DATA_DIR", str(data_dir))
    monkeypatch.setattr(dagster_sensors, "feeds_of_streams", lambda project: READ_BY)
    (tmp_path / "connectors").mkdir()
    declared = {"shop": Connector("shop", "sftp", "shop.yml", feeds=("pos/orders",))}
    ready, gone = Pending("shop", ready=("a",), fingerprint="1"), Pending("shop", error="no connection")
    monkeypatch.setattr(connectors, "load_connectors", lambda project: declared)
    poll, cursor, keys = sensor("connectors", tmp_path), None, {}
    with dg.DagsterInstance.ephemeral() as instance:
        for minute, said in ((0, ready), (4, gone), (5, ready), (9, gone), (11, ready)):
            monkeypatch.setattr("orchestration.clock.now", lambda minute=minute: NOW + timedelta(minutes=minute))
            monkeypatch.setattr(connectors, "pending", lambda *_, said=said: said)
            tick = poll.evaluate_tick(dg.build_sensor_context(instance, cursor=cursor))
            if tick.run_requests:
                keys[minute] = tick.run_requests[0].run_key
            cursor = tick.cursor
    assert list(keys) == [0, 11]
    assert len(set(keys.values())) == 2


def test_connectors_that_hang_take_nothing_from_the_others(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIEOUT_DATA_DIR", str(data_dir))
    monkeypatch.setattr(dagster_sensors, "feeds_of_streams", lambda project: READ_BY)
    (tmp_path / "connectors").mkdir()
    names = ("gone_1", "gone_2", "gone_3", "shop")
    declared = {name: Connector(name, "sftp", f"{name}.yml", feeds=("pos/orders",)) for name in names}
    passed = [0.0]

    def pending(data: Any, project: Any, name: str) -> Pending:
        passed[0] += 20.0 if name != "shop" else 0.1
        return Pending(name, ready=("a",), fingerprint="1") if name == "shop" else Pending(name, error="no connection")

    monkeypatch.setattr(connectors, "load_connectors", lambda project: declared)
    monkeypatch.setattr(connectors, "pending", pending)
    monkeypatch.setattr(dagster_sensors, "monotonic", lambda: passed[0])
    poll, cursor, ticks = sensor("connectors", tmp_path), None, []
    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(4):
            began = passed[0]
            tick = poll.evaluate_tick(dg.build_sensor_context(instance, cursor=cursor))
            assert passed[0] - began < 60, "Dagster ends a tick that takes a minute"
            ticks.append(len(tick.run_requests))
            cursor = tick.cursor
    # It is asked for once, though there are ticks in which its turn does not come.
    assert ticks == [0, 1, 0, 0]


def test_a_watch_goes_on_where_its_time_was_over(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIEOUT_DATA_DIR", str(data_dir))
    passed, done = [0.0], []

    def slow(name: str) -> Any:
        def work(*given: Any) -> str:
            passed[0] += 20.0
            done.append(name)
            return ""

        return work

    monkeypatch.setattr("orchestration.pipeline.settle", slow("settle"))
    monkeypatch.setattr("orchestration.health.write_metrics", slow("metrics"))
    monkeypatch.setattr("orchestration.alerts.send_due", slow("alerts"))
    monkeypatch.setattr(dagster_sensors, "monotonic", lambda: passed[0])
    said, rest = watch_once(project_dir(), lambda text: None)
    assert (done, rest) == (["settle", "metrics"], "alerts")
    assert "alerts: at the next look" in said
    watch_once(project_dir(), lambda text: None, rest)
    assert done == ["settle", "metrics", "alerts", "settle"]
