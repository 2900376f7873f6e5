"""What goes out, when, and how often: against a web server that really receives."""

import json
import os
import subprocess
import sys
from datetime import timedelta

import pytest

from orchestration import clock, runs
from orchestration.alerts.channels import Sender
from orchestration.alerts.gathering import Look, runs_before
from orchestration.alerts.journal import Journal, alone
from orchestration.alerts.listing import digests_now, listed
from orchestration.alerts.settings import load as load_settings
from orchestration.landing.connectors.ledger import open_ledger as open_book
from orchestration.logs import log_file
from orchestration.runs import State
from tests.python.alerts.conftest import QUICK
from tests.python.alerts.world import ROOT, Hook, World, at

RUN = at("03-05 06:00")
NOW = RUN + timedelta(minutes=5)


def started(world: World) -> None:
    """Alerts began the day before."""
    world.send(RUN - timedelta(days=1))


def states(world: World) -> list[tuple[str, str]]:
    return sorted((row["kind"], row["state"]) for row in listed(world.data, "duckdb"))


def test_one_message_for_each_counterparty_and_severity(told: World, web: Hook) -> None:
    for number in range(7):
        told.open(f"{number:032x}", RUN, amount_minor=(number + 1) * 1_001)
    told.open("a" * 32, RUN, severity="LOW", currency="JPY", amount_minor=500)
    told.open("b" * 32, RUN, severity="HIGH", counterparty_id="S2", currency="KWD", amount_minor=1_234)
    told.open("c" * 32, RUN, severity="HIGH", counterparty_id="S2", currency="EUR", amount_minor=None)
    told.open("d" * 32, RUN, severity="HIGH", counterparty_id="S2", currency="JPY", amount_minor=70)
    # Neither what was there before, nor what is settled or accepted, is news.
    told.open("e" * 32, RUN - timedelta(days=1))
    told.open("f" * 32, RUN, accepted_by="list")
    told.open("9" * 32, RUN)
    told.tell("acme", "9" * 32, "CLOSED", RUN, "RESOLVED")
    told.publish()
    record = told.run(RUN)
    report = told.send(NOW)
    assert (report.raised, report.sent, report.ok) == (3, 3, True)
    assert web.titles == [
        "HIGH: 7 new exceptions, S1, 280.28 EUR",
        "HIGH: 3 new exceptions, S2, 70 JPY, 1.234 KWD, 1 of an unknown amount",
        "LOW: 1 new exception, S1, 500 JPY",
    ]
    body = web.received[0]["message"]
    assert "stream orders, org acme" in body
    assert "2026-03-05 06:00 UTC" in body
    assert "What to do: Ask the store." in body
    assert record.run_id in body
    # The five largest, the largest first, and the way to the trace of the first.
    assert [line[2:7] for line in body.splitlines() if line.startswith("- ")] == [
        "70.07",
        "60.06",
        "50.05",
        "40.04",
        "30.03",
    ]
    assert f"tieout trace {6:032x}"[:25] in body


def test_what_comes_back_is_news_again(told: World, web: Hook) -> None:
    told.open("a" * 32, RUN - timedelta(days=5))
    told.tell("acme", "a" * 32, "CLOSED", RUN - timedelta(days=4), "RESOLVED")
    told.tell("acme", "a" * 32, "REOPENED", RUN, "REOPENED")
    told.publish()
    told.run(RUN)
    told.send(NOW)
    assert web.titles == ["HIGH: 1 new exception, S1, 10.50 EUR"]


def test_again_is_nothing(told: World, web: Hook) -> None:
    told.open("a" * 32, RUN)
    told.publish()
    told.run(RUN)
    assert told.send(NOW).sent == 1
    # The same run looked at again, and the same found again at the same time by another run.
    told.run(RUN)
    for minutes in (6, 7, 600):
        assert told.send(RUN + timedelta(minutes=minutes)).sent == 0
    assert len(web.received) == 1


def test_what_a_run_found_that_broke_off_is_told_with_the_next(told: World, web: Hook) -> None:
    """It had been written down when the disk was full, and nothing of it was published."""
    told.run(RUN - timedelta(hours=3))
    told.run(RUN - timedelta(hours=2), State.FAILED)
    told.run(RUN - timedelta(hours=1), State.RUNNING, audited=True)
    told.send(RUN - timedelta(minutes=30))
    web.received.clear()
    for number, hours in enumerate((3, 2, 1, 0)):
        told.open(str(number) * 32, RUN - timedelta(hours=hours))
    told.publish()
    told.run(RUN)
    told.send(NOW)
    assert web.titles == ["HIGH: 3 new exceptions, S1, 31.50 EUR"]
    # Nor is it news of another run at the same time.
    told.run(RUN)
    assert told.send(NOW).raised == 0
    told.run(RUN + timedelta(hours=1))
    assert told.send(RUN + timedelta(hours=2)).raised == 0


SENDS = """
import sys
from pathlib import Path
from orchestration import clock
from orchestration.alerts import send_due
from orchestration.data_dir import DataDir
from orchestration.logs import log_file
print("ready", flush=True)
sys.stdin.readline()
print(send_due(DataDir.at(sys.argv[1]), Path(sys.argv[2]), "duckdb", clock.from_text(sys.argv[3])).line())
"""


def test_two_processes_at_once_send_it_once(told: World, web: Hook) -> None:
    told.open("a" * 32, RUN)
    told.open("b" * 32, RUN, counterparty_id="S2")
    told.publish()
    told.run(RUN)
    command = [sys.executable, "-c", SENDS, str(told.data.root), str(told.project), clock.to_text(NOW)]
    processes = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    said = sorted(process.communicate(timeout=60)[0] for process in processes)
    assert said == ["Alerts: 2 sent.\n", "Alerts: nothing to send.\n"]
    assert sorted(web.titles) == [
        "HIGH: 1 new exception, S1, 10.50 EUR",
        "HIGH: 1 new exception, S2, 10.50 EUR",
    ]


def test_while_another_process_sends_this_one_leaves_it_to_that(
    told: World, web: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.alerts.sending.WAIT", 0.2)
    told.run(RUN, State.FAILED)
    with alone(told.data, 0) as is_mine:
        assert is_mine
        assert told.send(NOW).is_busy
    assert web.titles == []
    assert told.send(NOW).sent == 1


def test_what_broke_off_between_noting_and_sending_goes_out_later(
    told: World, web: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    told.open("a" * 32, RUN)
    told.publish()
    told.run(RUN)
    with monkeypatch.context() as broken:

        def dies(*_: object, **__: object) -> None:
            raise SystemExit

        broken.setattr(Sender, "send", dies)
        with pytest.raises(SystemExit):
            told.send(NOW)
    # Half a line is what a power cut leaves.
    with (told.data.root / "alerts/duckdb.jsonl").open("a") as spool:
        spool.write('{"what": "deliv')
    told.send(NOW + timedelta(minutes=1))
    told.send(NOW + timedelta(minutes=2))
    assert len(web.received) == 1


def test_failed_delivery_is_tried_again_and_then_gets_through(told: World, web: Hook) -> None:
    told.open("a" * 32, RUN)
    told.publish()
    told.run(RUN)
    web.fails = 2
    report = told.send(NOW)
    assert (report.sent, report.failed, report.ok, web.asked) == (0, 1, False, 2)
    # Not at once: the next try has its time.
    assert told.send(NOW + timedelta(seconds=30)).waiting == 1
    assert told.send(NOW + timedelta(minutes=2)).sent == 1
    assert [(row["state"], row["attempt"]) for row in listed(told.data, "duckdb", every_attempt=True)][::-1] == [
        ("FAILED", 1),
        ("FAILED", 2),
        ("SENT", 3),
    ]
    assert "503" in next(row["error"] for row in listed(told.data, "duckdb", every_attempt=True) if row["error"])
    # Nothing but the sending opened the log.
    logged = [json.loads(line) for line in log_file(told.data.root).read_text(encoding="utf-8").splitlines()]
    assert [line["state"] for line in logged if line["event"] == "alert_delivery"] == ["FAILED", "FAILED", "SENT"]


def test_what_never_gets_through_is_given_up_and_said_so(told: World, web: Hook) -> None:
    told.open("a" * 32, RUN)
    told.publish()
    told.run(RUN)
    web.fails = 1_000
    told.send(NOW)
    assert told.send(NOW + timedelta(hours=2)).failed == 1
    report = told.send(NOW + timedelta(hours=4))
    assert (report.gave_up, report.failed) == (1, 0)
    web.fails = 0
    assert told.send(NOW + timedelta(hours=9)).sent == 0
    assert states(told) == [("exceptions", "GAVE_UP")]
    (digest,) = digests_now(told.data, told.project, "duckdb", NOW + timedelta(days=1))
    assert "1 could not be delivered and were given up" in digest["text"]


def test_one_broken_channel_does_not_keep_the_others(world: World, web: Hook) -> None:
    world.configure(
        channels={
            "gone": {"urls": ["json://127.0.0.1:1/"]},
            "unset": {"urls": ["${NOT_SET}"]},
            "hook": {"urls": web.url},
        },
        routes=[{"channels": ["gone", "unset", "hook"]}],
        delivery=QUICK,
    )
    world.run(
        RUN, State.FAILED, failure={"failure_class": "ENGINE", "failure_code": "X", "failure_message": "disk full"}
    )
    report = world.send(NOW)
    assert (report.sent, report.failed) == (1, 2)
    errors = {row["channel"]: row["error"] for row in listed(world.data, "duckdb")}
    assert errors["hook"] is None
    assert "refused" in errors["gone"]
    assert errors["unset"] == "The environment does not set NOT_SET."


def test_a_failed_law_a_failed_run_a_crash_and_a_cancelled_run(told: World, web: Hook) -> None:
    started(told)
    law = {"failure_class": "LAW", "failure_code": "nothing_is_lost", "failure_message": "Law nothing_is_lost: 3 rows"}
    summary = {"laws": {"passed": 8, "failed": 1}, "failures": ["Law nothing_is_lost: 3 rows"], "lapses": []}
    told.run(RUN, State.FAILED, failure=law, summary=summary)
    disk = {"failure_class": "ENGINE", "failure_code": "IOException", "failure_message": "No space left on device"}
    told.run(RUN, State.FAILED, failure=disk)
    told.run(
        RUN, State.FAILED, failure={"failure_class": "ENGINE", "failure_code": "TIMEOUT", "failure_message": "1 hour"}
    )
    told.run(RUN, State.CANCELLED)
    told.run(RUN, State.RUNNING)
    told.send(NOW)
    assert sorted(web.titles) == [
        "A run failed: all streams (IOException)",
        "A run timed out: all streams (TIMEOUT)",
        "The books do not close: 1 law failed (nothing_is_lost)",
    ]
    assert any("Law nothing_is_lost: 3 rows" in message["message"] for message in web.received)
    # Nobody holds the folder, and nothing has been heard of the last one for long.
    told.send(at("12-31 00:00").replace(year=2098))
    assert web.titles[-1] == "A run crashed: all streams"
    assert len(web.received) == 4
    told.configure(**{**_read(told), "cancelled_runs": True})
    told.run(RUN + timedelta(hours=1), State.CANCELLED)
    told.send(NOW + timedelta(hours=2))
    assert web.titles[-1] == "A run was cancelled: all streams"


def _read(world: World) -> dict[str, object]:
    import yaml

    return dict(yaml.safe_load((world.project / "alerts.yml").read_text()))


def test_a_run_at_work_is_no_crash(told: World, web: Hook) -> None:
    started(told)
    told.run(RUN, State.RUNNING)
    later = at("12-31 00:00").replace(year=2098)
    with told.data.lock("a test"):
        told.send(later)
    assert web.titles == []
    # One that readers see the outcome of did what it was asked for.
    told.run(RUN, State.RUNNING, published=True)
    told.send(later)
    assert web.titles == ["A run crashed: all streams"]


def test_a_run_that_died_with_the_folder_in_its_hands_is_told_at_once(told: World, web: Hook) -> None:
    started(told)
    told.run(RUN, State.RUNNING)
    told.send(NOW)
    assert web.titles == []
    (told.data.root / ".lock").write_text("process 1, tieout run")
    told.send(NOW + timedelta(minutes=1))
    assert web.titles == ["A run crashed: all streams"]


def test_a_run_that_went_on_without_something(told: World, web: Hook) -> None:
    summary = {
        "laws": {"passed": 9, "failed": 0},
        "failures": [],
        "lapses": ["model late_mart: timed out"],
    }
    told.run(RUN, summary=summary)
    told.send(NOW)
    assert web.titles == ["A run went on without 1 thing: model late_mart: timed out"]
    # So is one that a run went without that failed for another reason.
    told.run(RUN + timedelta(minutes=1), State.FAILED, summary=summary)
    told.send(NOW)
    assert sorted(web.titles[1:]) == ["A run failed: all streams", web.titles[0]]


def fetched(world: World, moment: str, error: str | None, *problems: str, look: bool = False) -> None:
    """What a landing, or with `look` a sensor, writes into the book of the connector bank."""
    (world.project / "connectors").mkdir(exist_ok=True)
    (world.project / "connectors/bank.yml").touch()
    with open_book(world.data.root, "bank") as book:
        at_text = clock.to_text(at(moment))
        said = {"error": error, "problems": list(problems)}
        book.remark(**({"look": {**said, "looked_at": at_text}} if look else {**said, "fetched_at": at_text}))


def test_a_connector_is_told_once_until_it_works_again(told: World, web: Hook) -> None:
    """Without any run: `tieout land`, a job that only lands, a sensor."""
    fetched(told, "03-05 06:00", "no answer after 31 seconds")
    assert told.send(at("03-05 06:01")).sent == 1
    # Found again, by a look, by a run, with other numbers in it.
    fetched(told, "03-05 06:10", "no answer after 45 seconds", look=True)
    told.run(
        at("03-05 06:11"),
        lapses=["Connector bank: no answer after 9 seconds"],
        connectors={"bank": {"error": "no answer after 9 seconds"}},
    )
    assert told.send(at("03-05 06:12")).sent == 0
    # Something else is news; so is a file that it leaves behind.
    fetched(told, "03-05 06:20", "the host key has changed", "odd.csv: no feed")
    told.send(at("03-05 06:21"))
    fetched(told, "03-05 06:30", None, "odd.csv: no feed", look=True)
    told.send(at("03-05 06:31"))
    told.send(at("03-05 06:32"))
    fetched(told, "03-05 06:40", None)
    told.send(at("03-05 06:41"))
    # From the beginning.
    fetched(told, "03-05 06:50", "no answer after 31 seconds")
    told.send(at("03-05 06:51"))
    assert web.titles == [
        "Connector bank cannot be worked with: no answer after 31 seconds",
        "Connector bank cannot be worked with: the host key has changed",
        "Connector bank leaves 1 thing behind: odd.csv: no feed",
        "Connector bank works again",
        "Connector bank leaves nothing behind any more",
        "Connector bank cannot be worked with: no answer after 31 seconds",
    ]


def test_what_only_a_run_knows_of_a_connector_is_told(told: World, web: Hook) -> None:
    """That this machine could not keep what came stands in no book."""
    fetched(told, "03-05 05:00", None)
    said = "Connector bank: this machine could not keep what came"
    told.run(RUN, lapses=[said], connectors={"bank": {"error": said[16:]}}, summary={"lapses": []})
    told.send(NOW)
    told.send(NOW + timedelta(minutes=1))
    assert web.titles == ["Connector bank cannot be worked with: this machine could not keep what came"]
    assert "A run went on with what was there" in web.received[0]["message"]


def fail(world: World, place: str, reason: str, moment: str) -> None:
    """What landing leaves of a file that it cannot read."""
    file = world.data.root / "failed" / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    beside = file.with_name(file.name + ".reason.txt")
    beside.write_text(f"File:     inbox/{place}\nFound:    {reason}\nExpected: a header\n")
    os.utime(beside, (at(moment).timestamp(),) * 2)


def test_files_that_could_not_be_landed_are_told_once_by_feed(told: World, web: Hook) -> None:
    fail(told, "acme/pos/orders/long_ago.csv", "nothing", "02-20 06:00")
    started(told)
    fail(told, "acme/pos/orders/0305.csv", "no column total", "03-05 05:00")
    fail(told, "acme/pos/orders/0306.csv", "an empty file", "03-05 05:00")
    fail(told, "stray.csv", "a file at inbox/stray.csv", "03-05 05:01")
    told.send(NOW)
    told.send(NOW + timedelta(minutes=1))
    assert sorted(web.titles) == [
        "1 file could not be landed: an unknown feed of nobody known",
        "2 files could not be landed: pos/orders of acme",
    ]
    body = next(one["message"] for one in web.received if "orders" in one["title"])
    assert "- 0305.csv: no column total" in body
    # The same name again is another file.
    fail(told, "acme/pos/orders/0305.csv", "no column total", "03-05 07:00")
    told.send(NOW + timedelta(hours=1))
    assert web.titles[2:] == ["1 file could not be landed: pos/orders of acme"]
    Journal.of(told.data, "duckdb").compact(99, NOW + timedelta(days=2), most_bytes=0)
    assert told.send(NOW + timedelta(days=2)).raised == 0


def test_runs_of_long_before_are_not_told_of(told: World, web: Hook) -> None:
    told.run(RUN - timedelta(days=3), State.FAILED)
    told.send(NOW)
    assert web.titles == []


def test_the_backlog_grows(world: World, web: Hook) -> None:
    world.configure(
        channels={"hook": {"urls": web.url}},
        routes=[{"channels": ["hook"], "kinds": ["backlog"]}],
        backlog={"percent": 20, "rows": 3, "mean_of": 2},
    )
    started(world)
    for hour, (orders, payouts) in enumerate([(10, 0), (12, 0), (13, 2), (30, 5)]):
        world.run(RUN + timedelta(hours=hour), unmatched={"orders": orders, "payouts": payouts})
    world.send(RUN + timedelta(hours=5))
    # 13 is no more than 20 per cent above the mean of 10 and 12; 2 and 5 from nothing: only 5 are 3 rows more.
    assert web.titles == [
        "Unmatched records grow: orders, 30 (+17 rows, +140 %)",
        "Unmatched records grow: payouts, 5 (+4 rows, +400 %)",
    ]
    assert "315.00 EUR; the mean of the 2 runs before was 12.5" in web.received[0]["message"]


def test_what_went_before_is_read_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.configure(channels={"hook": {"urls": "json://127.0.0.1"}}, routes=[{"channels": []}], backlog={"mean_of": 2})
    records = [
        world.run(RUN + timedelta(hours=hour), unmatched={f"s{number}": hour for number in range(5)})
        for hour in range(9)
    ]
    read, load = [], runs.load
    monkeypatch.setattr(runs, "load", lambda data, run_id: (read.append(run_id), load(data, run_id))[1])
    look = Look(
        world.data, world.project, "duckdb", NOW, load_settings(world.project), Journal.of(world.data, "duckdb")
    )
    found = runs_before(look, records[-1], {"s1", "s2"}, 2)
    assert [one.run_id for one in found["s1"]] == [records[7].run_id, records[6].run_id]
    assert found["s1"] == found["s2"]
    assert read == [record.run_id for record in records[:5:-1]]


def test_where_nothing_is_expected_no_declaration_is_read(told: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alerts look every minute."""
    monkeypatch.setattr("orchestration.landing.load_feeds", lambda *_: pytest.fail("read"))
    assert told.send(NOW).ok


def test_a_late_feed_is_told_once_and_its_coming_once(told: World, web: Hook) -> None:
    told.expect_orders()
    told.deliver_orders(at("03-04 05:50"))
    started(told)
    assert web.titles == []
    for minute in (0, 1, 59):
        told.send(at("03-05 07:00") + timedelta(minutes=minute))
    # The next one is missed too: it is the same absence still.
    told.send(at("03-06 08:00"))
    assert web.titles == ["Late: pos/orders of acme, due 2026-03-05 06:00 UTC"]
    assert "The last one came 2026-03-04 05:50 UTC" in web.received[0]["message"]
    assert "Concerned: orders." in web.received[0]["message"]
    told.deliver_orders(at("03-06 09:00"))
    told.send(at("03-06 09:01"))
    told.send(at("03-06 09:02"))
    assert web.titles[1:] == ["Came: pos/orders of acme"]
    # What comes after one was due counts for the next.
    told.send(at("03-07 07:30"))
    told.send(at("03-08 07:30"))
    assert web.titles[2:] == ["Late: pos/orders of acme, due 2026-03-08 06:00 UTC"]


def test_of_a_late_feed_its_org_hears_and_no_other(told: World, web: Hook) -> None:
    channels = {name: {"urls": f"{web.url}/{name}"} for name in ("acme", "south")}
    routes = [{"orgs": ["acme"], "channels": ["acme"]}, {"orgs": ["acme south"], "channels": ["south"]}]
    told.configure(**{**_read(told), "channels": channels, "routes": routes})
    told.expect_orders()
    told.deliver_orders(at("03-04 05:50"), "acme south")
    told.deliver_orders(at("03-04 05:50"))
    told.deliver_orders(at("03-05 05:50"))
    started(told)
    told.send(at("03-05 07:00"))
    told.deliver_orders(at("03-05 08:00"), "acme south")
    told.send(at("03-05 08:01"))
    assert web.titles == ["Late: pos/orders of acme south, due 2026-03-05 06:00 UTC", "Came: pos/orders of acme south"]
    assert [path.split("/")[-1] for path in web.paths] == ["south", "south"]


def test_a_late_feed_that_was_not_waited_for_meanwhile_is_late_again(told: World, web: Hook) -> None:
    sources = told.project / "models/staging/pos/_pos__sources.yml"
    told.expect_orders()
    told.deliver_orders(at("03-04 05:50"))
    started(told)
    told.send(at("03-05 07:00"))
    expected = sources.read_text()
    sources.write_text(expected.replace("1 hour", "3 hours"))
    told.send(at("03-05 08:00"))
    sources.write_text(expected)
    told.send(at("03-05 08:01"))
    told.send(at("03-05 08:02"))
    assert [title[:4] for title in web.titles] == ["Late", "Came", "Late"]


def test_reminders_of_what_is_past_its_due_time(told: World, web: Hook) -> None:
    told.configure(**{**_read(told), "sla": {"remind_every": "1 day"}})
    told.run(RUN - timedelta(days=9))
    started(told)
    told.open("a" * 32, RUN - timedelta(days=9), due_at=NOW - timedelta(hours=2))
    told.open("b" * 32, RUN - timedelta(days=9), due_at=NOW + timedelta(hours=1))
    told.open("c" * 32, RUN - timedelta(days=9), due_at=NOW - timedelta(days=1), accepted_by="list")
    told.publish()
    told.send(NOW)
    told.send(NOW + timedelta(minutes=30))
    assert web.titles == ["1 exception past due, HIGH, S1, 10.50 EUR"]
    assert "Overdue for up to 2 hours" in web.received[0]["message"]
    told.send(NOW + timedelta(hours=2))
    assert web.titles[1:] == ["1 exception past due, HIGH, S1, 10.50 EUR"]
    # A day later both are due for a reminder within half a day: they come together.
    told.send(NOW + timedelta(days=1, minutes=1))
    assert web.titles[2:] == ["Reminder: 2 exceptions past due, HIGH, S1, 21.00 EUR"]
    told.tell("acme", "a" * 32, "CLOSED", NOW, "RESOLVED")
    told.publish()
    told.send(NOW + timedelta(days=2, minutes=2))
    assert web.titles[3:] == ["Reminder: 1 exception past due, HIGH, S1, 10.50 EUR"]


def test_a_reminder_knows_the_longest_wait_though_it_shows_the_largest_amounts(told: World, web: Hook) -> None:
    told.configure(**{**_read(told), "sla": {}})
    told.run(RUN - timedelta(days=9))
    started(told)
    for number in range(6):
        told.open(str(number) * 32, RUN - timedelta(days=9), due_at=NOW - timedelta(hours=1), amount_minor=900)
    told.open("a" * 32, RUN - timedelta(days=9), due_at=NOW - timedelta(days=3), amount_minor=1)
    told.publish()
    told.send(NOW)
    assert web.titles == ["7 exceptions past due, HIGH, S1, 54.01 EUR"]
    assert "Overdue for up to 3 days." in web.received[0]["message"]


def test_money_is_readable_of_a_run_that_broke_off_after_publishing(told: World, web: Hook) -> None:
    told.run(RUN - timedelta(days=1))
    told.open("a" * 32, RUN, currency="KWD", amount_minor=1_234)
    told.publish()
    told.run(RUN, facts=None, summary=None)
    told.send(NOW)
    assert web.titles == ["HIGH: 1 new exception, S1, 1.234 KWD"]


def test_a_quiet_period_holds_what_can_wait(told: World, web: Hook) -> None:
    quiet = {"from": "22:00", "to": "07:00", "time_zone": "Europe/Berlin", "whole_days": ["sunday"]}
    told.configure(**{**_read(told), "quiet": quiet})
    night = at("03-05 02:00")  # 03:00 in Berlin
    told.open("a" * 32, night)
    told.open("b" * 32, night, counterparty_id="S2")
    told.open("c" * 32, night, severity="CRITICAL")
    told.publish()
    told.run(night)
    told.run(night, State.FAILED)
    assert told.send(night + timedelta(minutes=1)).held == 2
    assert told.send(night + timedelta(hours=2)).held == 2
    assert sorted(web.titles) == ["A run failed: all streams", "CRITICAL: 1 new exception, S1, 10.50 EUR"]
    # 06:59 and 07:00 in Berlin.
    assert told.send(at("03-05 05:59")).sent == 0
    assert told.send(at("03-05 06:00")).sent == 2
    assert web.titles[2:] == ["While it was quiet: 2 alerts"]
    assert "S1, 10.50 EUR" in web.received[2]["message"]
    assert "S2, 10.50 EUR" in web.received[2]["message"]
    assert told.send(at("03-05 06:01")).sent == 0
    # A whole quiet day: Sunday, 8 March, noon.
    told.open("d" * 32, at("03-08 11:00"))
    told.publish()
    told.run(at("03-08 11:00"))
    assert told.send(at("03-08 11:01")).held == 1
    assert told.send(at("03-09 06:00")).sent == 1
    assert web.titles[-1] == "HIGH: 1 new exception, S1, 10.50 EUR"


def test_routes(world: World, web: Hook) -> None:
    routes = [
        {"channels": [], "kinds": "exceptions", "severities": ["LOW"]},
        {"channels": ["one"], "orgs": ["acme"], "counterparties": ["S1"]},
        {"channels": ["two", "one"], "streams": ["payouts"], "orgs": ["acme"]},
    ]
    channels = {name: {"urls": f"{web.url}/{name}"} for name in ("one", "two")}
    for match in ("first", "all"):
        world.configure(channels=channels, routes=routes, match=match)
        moment = RUN if match == "first" else RUN + timedelta(hours=1)
        for number, said in enumerate(
            [
                {"severity": "LOW"},
                {"stream": "payouts"},
                {"org_id": "bolt"},
                {"counterparty_id": "S9", "stream": "payouts"},
            ]
        ):
            world.open(f"{match}{number}".ljust(32, "0"), moment, **said)
        world.publish()
        world.run(moment)
        web.paths.clear()
        report = world.send(moment + timedelta(minutes=1))
        assert report.suppressed == (2 if match == "first" else 1)
        wanted = {"first": ["one", "one", "two"], "all": ["one", "one", "one", "two", "two"]}[match]
        assert sorted(path.split("/")[-1] for path in web.paths) == wanted
    # Asked for by nobody in particular: a run that failed as a whole.
    world.run(RUN + timedelta(hours=2), State.FAILED)
    assert world.send(RUN + timedelta(hours=2, minutes=1)).suppressed == 1
    assert {row["error"] for row in listed(world.data, "duckdb") if row["state"] == "SUPPRESSED"} == {
        "No route leads to a channel."
    }


def test_who_asks_for_a_stream_hears_of_its_runs_whatever_else_they_had_to_build(told: World, web: Hook) -> None:
    told.configure(**{**_read(told), "routes": [{"channels": ["hook"], "streams": ["orders"]}]})
    told.run(RUN, State.FAILED, stream=None, requested={"stream": "orders"})
    told.run(RUN, State.FAILED, stream=None, requested={"stream": "payouts"})
    told.send(NOW)
    assert web.titles == ["A run failed: stream orders"]


def test_a_flood_is_one_message(told: World, web: Hook) -> None:
    told.configure(**{**_read(told), "most_messages": 3})
    for number in range(9):
        told.open(f"{number:032x}", RUN, counterparty_id=f"S{number}", severity="CRITICAL" if number == 8 else "LOW")
    told.publish()
    told.run(RUN)
    assert told.send(NOW).sent == 9
    assert len(web.received) == 3
    assert web.titles[0].startswith("CRITICAL: 1 new exception, S8")
    assert web.titles[2] == "7 more alerts"


def test_the_digest_of_each_morning(told: World, web: Hook) -> None:
    digest = {"cron": "0 8 * * *", "time_zone": "Europe/Berlin", "channels": ["hook"]}
    routes = [{"channels": [], "kinds": ["exceptions", "late_feed", "run_failed"]}, {"channels": ["hook"]}]
    told.configure(**{**_read(told), "digest": digest, "routes": routes})
    told.expect_orders()
    told.deliver_orders(at("03-04 05:50"))
    told.send(at("03-04 06:30"))
    told.send(at("03-04 07:00"))
    assert web.titles == ["Reconciliation of Tuesday, 2026-03-03"]
    web.received.clear()
    told.open("a" * 32, at("03-03 06:00"))
    told.open("b" * 32, at("03-04 06:00"))
    told.open("c" * 32, at("03-04 06:00"), stream="payouts", currency="JPY", amount_minor=7)
    told.open("d" * 32, at("03-04 06:00"), org_id="bolt")
    told.tell("acme", "b" * 32, "CLOSED", at("03-04 18:00"), "RESOLVED")
    told.publish()
    told.run(at("03-04 06:00"), unmatched={"orders": 3, "payouts": 1})
    told.run(at("03-04 18:00"), unmatched={"orders": 4, "payouts": 1})
    told.run(at("03-04 19:00"), State.FAILED)
    # 07:59 and 08:00 in Berlin.
    told.send(at("03-05 06:59"))
    assert web.titles == []
    told.send(at("03-05 07:00"))
    told.send(at("03-05 07:01"))
    assert web.titles == ["Reconciliation of Wednesday, 2026-03-04"]
    body = web.received[0]["message"]
    for line in (
        "Runs: 3, of which 2 closed the books, 1 failed.",
        "- acme, orders: 100 matched (1,050.00 EUR), 4 missing target (42.00 EUR); without a counterpart: 3 → 4",
        "- acme, orders: 1 new, 1 closed, 1 open",
        "- acme, payouts: 1 new, 0 closed, 1 open",
        "- bolt, orders: 1 new, 0 closed, 1 open",
        "The oldest: In pos, not in oms, 10.50 EUR, acme, orders, open since 2026-03-03 07:00 Europe/Berlin.",
        "- pos/orders of acme: due 2026-03-05 07:00 Europe/Berlin, 1 hour ago",
    ):
        assert line in body, f"{line}\n---\n{body}"
    # Another one that stands before it is no reason to send it again.
    told.configure(**{**_read(told), "digest": [{**digest, "cron": "0 9 * * *"}, digest]})
    told.send(at("03-05 07:02"))
    assert [title.split()[-1] for title in web.titles[1:]] == ["2026-03-03"]
    told.send(at("03-06 07:00"))
    assert len(web.received) == 4


def test_what_was_delivered_stays_so_when_a_channel_changes(told: World, web: Hook) -> None:
    told.run(RUN, State.FAILED)
    assert told.send(NOW).sent == 1
    told.configure(**{**_read(told), "channels": {"hook": {"urls": [f"{web.url}/a", f"{web.url}/b"]}}})
    assert told.send(NOW + timedelta(minutes=1)).line() == "Alerts: nothing to send."
    told.run(RUN + timedelta(minutes=2), State.FAILED)
    web.fails = 2
    report = told.send(NOW + timedelta(minutes=3))
    assert (report.sent, report.failed) == (1, 1)
    # Only the address that it did not reach gets it again, whatever it is called by now; and a channel that is gone
    # gets nothing.
    told.configure(**{**_read(told), "channels": {"hook": {"urls": f"{web.url}/c"}}})
    assert told.send(NOW + timedelta(minutes=5)).sent == 1
    assert [path.split("/")[-1] for path in web.paths] == ["hook", "a", "a", "b", "c"]
    told.run(RUN + timedelta(minutes=6), State.FAILED)
    web.fails = 2
    told.send(NOW + timedelta(minutes=7))
    told.configure(**{**_read(told), "channels": {"new": {"urls": web.url}}, "routes": [{"channels": ["new"]}]})
    assert told.send(NOW + timedelta(minutes=20)).suppressed == 1
    assert listed(told.data, "duckdb")[0]["error"] == "alerts.yml declares no channel hook any more."


def test_without_a_file_nobody_is_told(world: World) -> None:
    world.run(RUN, State.FAILED)
    report = world.send(NOW)
    assert not report.is_configured
    assert not (world.data.root / "alerts").exists()


def test_the_spool_is_made_smaller_and_says_the_same(told: World, web: Hook) -> None:
    told.expect_orders()
    told.deliver_orders(at("03-04 05:50"))
    told.open("a" * 32, RUN)
    told.publish()
    told.run(RUN)
    told.send(NOW + timedelta(hours=2))
    assert len(web.received) == 2
    journal = Journal.of(told.data, "duckdb")
    before = journal.file.stat().st_size
    journal.compact(journal.last_number, NOW + timedelta(hours=3), most_bytes=0)
    smaller = Journal.of(told.data, "duckdb")
    assert journal.file.stat().st_size < before
    assert (smaller.last_number, smaller.seen, smaller.raised.keys()) == (
        journal.last_number,
        journal.seen,
        journal.raised.keys(),
    )
    told.send(NOW + timedelta(hours=4))
    assert len(web.received) == 2
    # Long after, only what is not over is kept.
    smaller.compact(smaller.last_number, NOW + timedelta(days=100), most_bytes=0)
    oldest = Journal.of(told.data, "duckdb")
    assert [raised.alert.kind for raised in oldest.raised.values()] == ["late_feed"]
    assert oldest.last_number == journal.last_number
    assert all(json.loads(line) for line in journal.file.read_text().splitlines())
