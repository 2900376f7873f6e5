"""Deliveries in the audit, and the commands, on a small project that really runs."""

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
import yaml
from click.testing import CliRunner

from orchestration.alerts import noting, send_due
from orchestration.alerts.journal import Journal
from orchestration.audit.ledger import open_ledger
from orchestration.audit.tables import ALERT_DELIVERIES, TABLES
from orchestration.audit.verification import verify
from orchestration.cli import main
from orchestration.environment import Place
from orchestration.runs import State
from tests.python import ready
from tests.python.alerts.conftest import QUICK
from tests.python.alerts.world import Hook, World, at
from tests.python.pipeline.conftest import copy_of_mini

RUN = at("03-05 06:00")
NOW = RUN + timedelta(minutes=5)
EXCEPTIONS = """
select
    md5(result_id) as exception_id, org_id, stream, stream as ladder, 'MISSING_OMS' as anomaly, 'OPEN' as state,
    'HIGH' as severity, cast(null as varchar) as accepted_by, cast(null as varchar) as counterparty_id,
    timestamp '{{ dbt_metadata_envs.get("TIEOUT_AS_OF") | replace("T", " ") | replace("Z", "") }}' as opened_at,
    timestamp '2099-01-01' as due_at, source_currency as currency, source_amount_minor as amount_minor,
    cast(null as bigint) as exposure_base_minor, cast(null as varchar) as base_currency, 'In pos, not in oms' as title,
    'The order is in pos and not in oms.' as explanation, 'Look it up.' as next_action, business_date,
    'orders.csv' as source_file, cast(1 as bigint) as source_row_number, cast(null as varchar) as target_file,
    cast(null as bigint) as target_row_number
from {{ ref('reconciliation_results') }}
"""
HISTORY = """
select
    org_id, exception_id, 1 as event_number, opened_at as event_at, 'OPENED' as action, 'OPEN' as state
from {{ ref('exceptions') }}
"""


def warehouse(world: World) -> None:
    """A warehouse with the tables of the audit."""
    with duckdb.connect(str(world.data.warehouse)):
        pass
    with open_ledger(Place(world.data, "duckdb", replay=False), write=True):
        pass


def noted(world: World) -> list[tuple[object, ...]]:
    with open_ledger(Place(world.data, "duckdb", replay=False)) as ledger:
        return ledger.rows(
            "select kind, org_id, stream, severity, counterparty_id, channel, state, attempt, run_id"
            f" from {{schema}}.{ALERT_DELIVERIES.name} order by sequence_number"
        )


def holds(world: World) -> bool:
    with open_ledger(Place(world.data, "duckdb", replay=False)) as ledger:
        proof = verify(ledger, world.data, "duckdb")
    assert ALERT_DELIVERIES.name in proof.rows
    return proof.holds


def test_every_attempt_is_in_the_audit_once(told: World, web: Hook) -> None:
    warehouse(told)
    told.open("a" * 32, RUN)
    told.publish()
    record = told.run(RUN)
    web.fails = 1
    told.send(NOW)
    told.send(NOW + timedelta(hours=1))
    of = ("exceptions", "acme", "orders", "HIGH", "S1", "hook")
    assert noted(told) == [(*of, "FAILED", 1, record.run_id), (*of, "SENT", 2, record.run_id)]
    assert holds(told)
    # A crash before the number was noted: nothing stands there twice.
    (told.data.root / "alerts/duckdb.noted.json").unlink()
    with open_ledger(Place(told.data, "duckdb", replay=False), write=True) as ledger:
        assert noting.take_in(ledger, told.data, "duckdb") == 0
    assert len(noted(told)) == 2
    with duckdb.connect(str(told.data.warehouse)) as connection:
        connection.execute(f"update audit.{ALERT_DELIVERIES.name} set state = 'SENT' where state = 'FAILED'")
    assert not holds(told)


def test_while_a_run_works_deliveries_wait_in_the_spool(told: World, web: Hook) -> None:
    warehouse(told)
    told.run(RUN, State.FAILED)
    with told.data.lock("a run"), duckdb.connect(str(told.data.warehouse)):
        assert told.send(NOW).sent == 1
    assert noted(told) == []
    # The next run takes them in; so does the next call, had there been one.
    with open_ledger(Place(told.data, "duckdb", replay=False), write=True) as ledger:
        assert noting.take_in(ledger, told.data, "duckdb") == 1
    assert [row[6] for row in noted(told)] == ["SENT"]
    assert told.send(NOW + timedelta(minutes=1)).sent == 0
    assert len(web.received) == 1


def test_a_folder_whose_name_is_no_text_is_told_of(told: World, web: Hook) -> None:
    """And keeps no run from beginning: each takes in what the spool says."""
    warehouse(told)
    failed = Path(os.fsdecode(os.fsencode(told.data.root) + b"/failed/acm\xe9/pos/orders/a.csv"))
    failed.parent.mkdir(parents=True)
    failed.touch()
    failed.with_name("a.csv.reason.txt").write_text("Found:    a path that is not UTF-8\n")
    told.configure(**{**yaml.safe_load((told.project / "alerts.yml").read_text()), "look_back": "36000 days"})
    assert told.send(NOW).sent == 1
    assert web.titles == [r"1 file could not be landed: pos/orders of acm\xe9"]
    assert [row[1] for row in noted(told)] == [r"acm\xe9"]
    assert told.send(NOW).raised == 0


def test_a_warehouse_of_before_gets_the_table(told: World) -> None:
    warehouse(told)
    with duckdb.connect(str(told.data.warehouse)) as connection:
        connection.execute(f"drop table audit.{ALERT_DELIVERIES.name}")
    with open_ledger(Place(told.data, "duckdb", replay=False)) as ledger:
        proof = verify(ledger, told.data, "duckdb")
    assert proof.holds
    assert len(proof.rows) == len(TABLES) - 1
    told.run(RUN, State.FAILED)
    told.send(NOW)
    assert [row[0] for row in noted(told)] == ["run_failed"]


def test_a_spool_that_somebody_has_changed_stops_alerts_and_no_run(told: World) -> None:
    told.run(RUN, State.FAILED)
    told.send(NOW)
    spool = Journal.of(told.data, "duckdb").file
    spool.write_text("what is this\n" + spool.read_text())
    warehouse(told)
    with open_ledger(Place(told.data, "duckdb", replay=False), write=True) as ledger:
        assert noting.take_in(ledger, told.data, "duckdb") == 0
    with pytest.raises(Exception, match="line 1: this note of what people were told cannot be read"):
        told.send(NOW)


@pytest.mark.postgres
@pytest.mark.usefixtures("postgres_database")
def test_on_postgres(told: World, web: Hook) -> None:
    record = told.run(RUN, State.FAILED)
    record.target = "postgres"
    record.save(told.data)
    assert send_due(told.data, told.project, "postgres", NOW).sent == 1
    with open_ledger(Place(told.data, "postgres", replay=False)) as ledger:
        assert ledger.rows(f"select kind, state from {{schema}}.{ALERT_DELIVERIES.name}") == [("run_failed", "SENT")]
        assert verify(ledger, told.data, "postgres").holds
    assert len(web.received) == 1


@pytest.fixture
def project(tmp_path: Path, web: Hook) -> Path:
    """The mini project with marts that alerts read, and an `alerts.yml`."""
    folder = copy_of_mini(tmp_path / "mini")
    (folder / "models/marts/exceptions.sql").write_text(EXCEPTIONS)
    (folder / "models/marts/exception_history.sql").write_text(HISTORY)
    said = {"channels": {"hook": {"urls": "${HOOK}"}}, "routes": [{"channels": ["hook"]}], "delivery": QUICK}
    (folder / "alerts.yml").write_text(yaml.safe_dump(said))
    return folder


def tieout(project: Path, data: Path, web: Hook, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "TIEOUT_PROJECT_DIR": str(project), "HOOK": web.url, **variables}
    return ready.run(*arguments, "--data-dir", data, env=env, timeout=120)


def test_runs_tell_people_and_the_commands_show_it(
    project: Path, data_dir: Path, web: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = data_dir / "inbox/acme/pos/orders"
    inbox.mkdir(parents=True)
    day = datetime.now(UTC) - timedelta(hours=1)
    header = "order_id,store_id,currency,total,sold_at,revision\n"
    (inbox / "a.csv").write_text(f"{header}o1,S1,EUR,1250,{day:%Y-%m-%dT%H:%M:%SZ},1\n")
    done = tieout(project, data_dir, web, "run", "--json")
    assert done.returncode == 0, done.stderr
    assert web.titles == ["HIGH: 1 new exception, no counterparty, 12.50 EUR"]
    assert "Alerts: 1 sent." in done.stderr
    assert json.loads(done.stdout)["run_id"] in web.received[0]["message"]

    # A law that fails is told, and the run's exit code is its own; a channel that cannot be reached changes nothing.
    (inbox / "b.csv").write_text(f"{header}o2,S1,EUR,100,{day:%Y-%m-%dT%H:%M:%SZ},1\n")
    broken = {"DBT_ENV_CUSTOM_ENV_MINI_LAW": "broken"}
    done = tieout(project, data_dir, web, "run", "--json", HOOK="json://127.0.0.1:1", **broken)
    assert done.returncode == 1
    assert "Alerts: 1 failed, tried again later." in done.stderr
    file = data_dir / "alerts/duckdb.jsonl"
    # A minute has to pass before the next try: let it have passed.
    long_ago = (datetime.now(UTC) - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M")
    file.write_text(
        "".join(
            line.replace(json.loads(line)["at"][:16], long_ago) + "\n" if '"FAILED"' in line else line + "\n"
            for line in file.read_text().splitlines()
        )
    )
    monkeypatch.setenv("TIEOUT_PROJECT_DIR", str(project))
    monkeypatch.setenv("HOOK", web.url)

    def asked(*arguments: str) -> str:
        done = CliRunner().invoke(main, [*arguments, "--data-dir", str(data_dir)])
        assert done.exit_code == 0, done.output
        return done.stdout

    assert json.loads(asked("alerts", "send", "--json"))["sent"] == 1
    assert web.titles[1] == "The books do not close: 1 law failed (law_that_tests_can_break)"
    listed = json.loads(asked("alerts", "list", "--json"))
    assert {(row["kind"], row["state"]) for row in listed} == {("exceptions", "SENT"), ("law_failed", "SENT")}
    assert "law_failed" in asked("alerts", "list", "--state", "sent", "--attempts")
    assert asked("alerts", "test", "hook") == "Alerts: 1 sent.\n"
    assert asked("alerts", "digest").startswith("Reconciliation of ")
    proof = json.loads(asked("audit", "verify", "--json"))
    assert proof["verified"]
    assert proof["rows"][ALERT_DELIVERIES.name] == 5


def test_a_landing_alone_tells_what_it_could_not_land(
    project: Path, data_dir: Path, web: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = data_dir / "inbox/acme/pos/orders"
    inbox.mkdir(parents=True)
    (inbox / "a.csv").write_bytes(b"\x00nothing")
    monkeypatch.setenv("TIEOUT_PROJECT_DIR", str(project))
    monkeypatch.setenv("HOOK", web.url)
    land = ["land", "--data-dir", str(data_dir)]
    assert CliRunner().invoke(main, [*land, "--no-alerts"]).exit_code == 0
    assert web.titles == []
    for _ in range(2):
        assert CliRunner().invoke(main, land).exit_code == 0
    assert web.titles == ["1 file could not be landed: pos/orders of acme"]
    assert "- a.csv: " in web.received[0]["message"]
