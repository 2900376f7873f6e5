"""A drop at an SFTP server against a dropped file: the whole way through `tieout run`, to equal verdicts."""

import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration import backup, clock, pipeline
from orchestration.commands.alerts import tells
from orchestration.data_dir import DataDir, write_json
from orchestration.landing import connectors, land_inbox
from orchestration.runs import RunRecord, State
from tests.python.connectors.conftest import World, orders
from tests.python.pipeline.conftest import Answer, Mini

AS_OF, BEFORE = "2026-03-02T06:00:00Z", "2026-03-01T06:00:00Z"


def tieout(world: World, data: Path, *arguments: str) -> Answer:
    return Mini(data).tieout(*arguments, TIEOUT_PROJECT_DIR=str(world.project))


def test_an_sftp_drop_gives_the_verdicts_of_a_dropped_file(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIEOUT_PROJECT_DIR", str(world.project))
    world.declare(files={"after": "move", "to": f"{world.remote}/done"})
    world.put("out/day1.csv", orders("A1", "A2"))
    done = tieout(world, world.data, "run", "--json", "--as-of", AS_OF)
    assert done.code == 0, done.err
    fetched = done.json
    assert (fetched["landed"]["batches"], fetched["lapses"]) == (1, [])
    assert world.there() == ["done/day1.csv"]
    (record,) = Mini(world.data).records()
    assert record["connectors"]["acme"]["files"] == 1

    # The same file dropped by hand, in a run whose server is down: that is a lapse, and nothing else differs.
    world.declare(port=1)
    dropped = Mini(tmp_path / "dropped")
    inbox = dropped.root / "inbox/acme/pos/orders"
    inbox.mkdir(parents=True)
    (inbox / "day1.csv").write_text(orders("A1", "A2"))
    done = tieout(world, dropped.root, "run", "--json", "--as-of", AS_OF)
    assert done.code == 0, done.err
    (verdicts,) = fetched["streams"].values()
    assert verdicts["missing_target"] + verdicts["matched"] + verdicts["pending"] > 0
    assert done.json["streams"] == fetched["streams"]  # the hash of the results among them
    (lapse,) = done.json["lapses"]
    assert lapse.startswith("Connector acme: 127.0.0.1:1 cannot be reached")
    assert dropped.records()[-1]["lapses"] == [lapse]
    assert "Done without: Connector acme" in tieout(world, dropped.root, "summary").out

    # A replay asks nobody.
    (listed,) = connectors.listing(world.data, world.project)
    replay = pipeline.prepare(pipeline.Request(world.data, as_of=clock.parse_as_of(BEFORE)))
    assert replay.replay
    assert replay.land() is None
    assert connectors.listing(world.data, world.project) == [listed]


def test_landing_by_a_connectors_name_leaves_the_rest_of_the_inbox(world: World) -> None:
    world.put("out/day1.csv", orders("A1", "A2"))
    dropped = world.data / "inbox/acme/pos/orders/dropped.csv"
    dropped.parent.mkdir(parents=True)
    dropped.write_text(orders("D1"))
    done = tieout(world, world.data, "land", "acme", "--json")
    assert (done.code, done.json["batches"], done.json["rows"]) == (0, 1, 2)
    assert dropped.is_file()
    assert tieout(world, world.data, "land", "--no-fetch", "--json").json["rows"] == 1
    checked = tieout(world, world.data, "connectors", "check", "acme")
    assert "would fetch: nothing" in checked.out
    listed = json.loads(tieout(world, world.data, "connectors", "list", "--json").out)
    assert [(one["connector"], one["taken"], one["in_inbox"]) for one in listed] == [("acme", 1, 0)]


def test_landing_by_name_fails_where_its_server_is_down_and_landing_all_goes_on(world: World) -> None:
    world.declare(port=1)
    alone = tieout(world, world.data, "land", "acme", "--json")
    assert alone.code == 1
    assert "tieout: Connector acme: 127.0.0.1:1 cannot be reached" in alone.err
    together = tieout(world, world.data, "land", "--json")
    assert (together.code, together.json["batches"]) == (0, 0)
    assert "cannot be reached" in together.err
    assert tieout(world, world.data, "connectors", "check", "acme").code == 1


@pytest.mark.parametrize("command", [["connectors", "list"], ["connectors", "check"]])
def test_the_commands_take_what_every_command_takes(world: World, command: list[str]) -> None:
    text = tieout(world, world.data, *command, "--help").out
    for option in ("--data-dir", "--target", "--json"):
        assert option in text


def test_a_folder_that_was_just_restored_leaves_servers_and_people_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIEOUT_PROJECT_DIR", str(world.project))
    world.declare(files={"after": "delete"})
    world.put("out/day0.csv", orders("A0"))
    world.fetch()
    write_json(world.data / "audit/restored-duckdb.json", {"restored_at": "2026-03-02T00:00:00.000000Z"})
    world.put("out/day1.csv", orders("A1"))
    # What the restored book knows of lands, and no server hears of it.
    run = pipeline.prepare(pipeline.Request(world.data, as_of=clock.parse_as_of(AS_OF)))
    report = run.land()
    assert report is not None
    assert (report.batches, run.record.lapses) == (1, [])
    assert pipeline.land(world.data, None)[0].files == []
    assert world.there() == ["out/day0.csv", "out/day1.csv"]
    assert [tells(world.data, None), tells(world.data, True)] == [False, True]
    # Who asks for it has it, and once the books have closed there nobody needs to ask.
    assert pipeline.land(world.data, None, fetch=True)[0].batches == 1
    assert world.there() == []
    RunRecord("r9", AS_OF, AS_OF, "duckdb", replay=False, state=State.CLOSED).save(DataDir(world.data))
    world.put("out/day2.csv", orders("A2"))
    assert pipeline.land(world.data, None)[0].batches == 1
    assert tells(world.data, None)
    monkeypatch.setenv("TIEOUT_ALERTS", "off")
    assert not tells(world.data, None)


def test_what_had_come_and_is_not_in_a_backup_comes_again_after_the_restore(world: World, tmp_path: Path) -> None:
    world.declare(files={"after": "delete"})
    world.put("out/landed.csv", orders("A1"))
    world.fetch()
    # Landed, and killed before the book said so.
    land_inbox(world.data, world.project, clock.parse_as_of(AS_OF), origins=connectors.arrived(world.data))
    world.put("out/waiting.csv", orders("A2"))
    assert world.fetch().files == ["acme/pos/orders/waiting.csv"]
    made = backup.create(world.data, "duckdb", tmp_path / "backups", without=["inbox", "archive"]).path
    world.data = backup.restore(made, tmp_path / "restored").data_dir
    assert world.fetch().files == ["acme/pos/orders/waiting.csv"]
    assert world.land().batches == 1
    assert world.there() == []
    # With the inbox in the backup nothing of it comes twice.
    world.put("out/third.csv", orders("A3"))
    world.fetch()
    shutil.rmtree(tmp_path / "backups")
    made = backup.create(world.data, "duckdb", tmp_path / "backups").path
    world.data = backup.restore(made, tmp_path / "again").data_dir
    assert world.fetch().files == []
    assert world.land().batches == 1
    assert world.there() == []


def test_a_book_that_is_broken_or_half_written_stops_no_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIEOUT_PROJECT_DIR", str(world.project))
    world.put("out/day1.csv", orders("A1"))
    world.fetch()
    book = world.data / "connectors/acme.sqlite"
    # Killed inside a commit: part of it stands in the file already, and the journal that takes it back beside it.
    half = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('pragma cache_size = 1');"
        " c.execute('pragma cache_spill = 1'); c.execute('begin immediate');"
        " c.execute('create table junk (x)');"
        " c.executemany('insert into junk values (?)', [('x' * 3000,)] * 200);"
        " c.execute('delete from taken'); c.executemany('insert into junk values (?)', [('x' * 3000,)] * 200);"
        " os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", half, str(book)], check=False)
    assert book.with_name("acme.sqlite-journal").stat().st_size > 0
    assert list(connectors.arrived(world.data)) == ["acme/pos/orders/day1.csv"]
    # No book at all any more: the file lands without saying where it is from, and the run tells why.
    book.write_bytes(b"no database" * 1000)
    with pytest.raises(sqlite3.Error):
        sqlite3.connect(book).execute("select * from taken")
    report, lapses = pipeline.land(world.data, None, fetch=False)
    assert report.batches == 1
    (lapse,) = lapses
    assert lapse.startswith("Connector acme: its book below")
    assert "cannot be kept" in connectors.listing(world.data, world.project)[0]["error"]
    assert not connectors.check(world.data, world.project, "acme").ok
