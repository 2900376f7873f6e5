"""What only a later run could hide, and what only a crash can leave."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from orchestration.audit import failures, verification
from orchestration.audit.artifacts import Counts
from orchestration.audit.definitions import Step
from orchestration.audit.ledger import anchors_file, open_ledger, read_anchors
from orchestration.audit.recorder import Taken, begin, end, end_steps
from orchestration.audit.verification import Proof, read_heads, verify
from orchestration.data_dir import DataDir
from orchestration.dbt_build import BuildOutcome, StepBuild
from orchestration.environment import Place
from orchestration.errors import UsageError
from orchestration.runs import RunRecord, State


def note(data: DataDir, name: str, state: str = "SUCCEEDED") -> None:
    """A run from its beginning to its end."""
    moment = "2026-03-02T06:00:00.000000Z"
    record = RunRecord(name, moment, moment, "duckdb", replay=False, requested={"as_of": moment})
    record.save(data)
    with open_ledger(Place(data, "duckdb", replay=False), write=True) as ledger:
        begin(ledger, data, record, [], None)
        end(ledger, data, record, state, None)


def proof(data: DataDir) -> Proof:
    with open_ledger(Place(data, "duckdb", replay=False)) as ledger:
        return verify(ledger, data, "duckdb")


@pytest.fixture
def data(data_dir: Path) -> DataDir:
    """Two runs on record."""
    data = DataDir.at(data_dir)
    note(data, "r1")
    note(data, "r2", "FAILED")
    return data


def test_a_text_that_no_engine_holds_keeps_no_later_run_from_the_audit(data: DataDir) -> None:
    """What a shell or a file's name gives may be no text at all (`--reason $'\\xff'`). The record keeps it, and every
    later run tells of that run first."""
    moment, said = "2026-03-04T06:00:00.000000Z", "who knows \udcff and \0 of it"
    odd = {"started_by": said, "start_reason": said, "failure": failures.of_error(OSError(said)).to_json()}
    RunRecord("r3", moment, moment, "duckdb", replay=False, state=State.FAILED, requested={"as_of": said}, **odd).save(
        data
    )
    note(data, "r4")
    assert proof(data).holds
    with open_ledger(Place(data, "duckdb", replay=False)) as ledger:
        found = ledger.rows(
            "select started_by, failure_message from {schema}.reconciliation_run_states where run_id = 'r3'"
        )
    assert found == [(r"who knows \udcff and \x00 of it",) * 2]


def test_rows_taken_from_the_end_are_told_after_the_next_run_too(data: DataDir) -> None:
    with duckdb.connect(str(data.warehouse)) as connection:
        connection.execute("delete from audit.reconciliation_runs where run_id = 'r2'")
    assert [(fault.sequence_number, fault.kind) for fault in proof(data).faults] == [(4, "REMOVED")]
    note(data, "r3")
    (fault,) = (fault for fault in proof(data).faults if fault.kind == "REMOVED")
    assert "taken away" in fault.message


def test_what_a_run_writes_meanwhile_is_no_fault(data: DataDir, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a server nothing keeps a run from writing while the proof is made."""
    before = read_anchors(data, "duckdb")
    note(data, "r3")
    notes = iter([before])
    monkeypatch.setattr(verification, "read_anchors", lambda *given: next(notes, None) or read_anchors(*given))
    assert proof(data).holds
    # And what nobody has noted by then either is one.
    monkeypatch.setattr(verification, "read_anchors", lambda *_: before)
    assert [fault.kind for fault in proof(data).faults] == ["INSERTED"]


def test_a_file_that_a_run_registers_meanwhile_is_no_fault(data: DataDir) -> None:
    folder = data.root / "artifacts" / "duckdb" / "acme"
    (folder / "r2").mkdir(parents=True)
    (folder / "r2" / "put-in.parquet").touch()
    with open_ledger(Place(data, "duckdb", replay=False)) as ledger:
        found, registered = verification.verify_tables(ledger, data, "duckdb")
    # The tables are closed, a run comes, and the files are looked at all the while.
    (folder / "r3").mkdir()
    (folder / "r3" / "new.parquet").touch()
    verification.look_at_files(found, registered, data)
    assert [fault.table for fault in found.faults] == ["artifacts/duckdb/acme/r2/put-in.parquet"]


def test_a_warehouse_that_is_gone_is_told_even_once_there_is_a_new_one(data: DataDir) -> None:
    data.warehouse.unlink()
    faults = verify(None, data, "duckdb").faults
    assert [(fault.table, fault.kind) for fault in faults] == [("reconciliation_runs", "REMOVED")]
    note(data, "r3")
    assert any(fault.kind == "REMOVED" for fault in proof(data).faults)


def test_a_note_that_was_cut_off_is_no_fault(data: DataDir) -> None:
    file = anchors_file(data, "duckdb")
    with file.open("a") as notes:
        notes.write('{"state": "written", "ends": {"reconci')
    assert proof(data).holds
    note(data, "r3")
    assert proof(data).holds
    assert all(line.endswith("}") for line in file.read_text().splitlines())


def test_the_attempts_of_one_request_are_counted(data: DataDir) -> None:
    with open_ledger(Place(data, "duckdb", replay=False)) as ledger:
        found = ledger.rows("select run_id, attempt from {schema}.reconciliation_run_states order by run_id")
    assert found == [("r1", 1), ("r2", 2)]


@pytest.mark.parametrize("text", ["{}", '{"another_table": [1, "a"]}', "[]", '{"reconciliation_runs": 1}'])
def test_what_is_no_head_proves_nothing(tmp_path: Path, text: str) -> None:
    file = tmp_path / "head.json"
    file.write_text(text)
    with pytest.raises(UsageError, match="head"):
        read_heads(file)


@pytest.mark.parametrize(
    ("cause", "text"),
    [
        ("ENGINE", 'IO Error: Could not write file "/data/contracts/x": No space left on device'),
        ("ENGINE", "could not connect to server: Connection refused"),
        ("ENGINE", "Out of Memory Error: failed to allocate"),
        ("INPUT", "Conversion Error: Could not convert string 'x' to INT64"),
        ("INPUT", "Constraint Error: NOT NULL constraint failed: t.a"),
        ("INPUT", 'null value in column "a" violates not-null constraint'),
        ("INPUT", "value too long for type character varying(3)"),
        ("CONFIGURATION", "Binder Error: Referenced column x not found"),
        ("CONFIGURATION", 'relation "marts.nothing" does not exist'),
        ("CONFIGURATION", "Compilation Error in model x: 'macro y' is undefined"),
        ("CONFIGURATION", "Compilation Error: This model has an enforced contract that failed"),
        ("ENGINE", "something that nobody has seen before"),
        # What is quoted is a value or a name, and the machine's words in it are none.
        ("INPUT", "Conversion Error: Could not convert string 'TIMEOUT' to INT32"),
        ("INPUT", "Conversion Error: Could not convert string 'connection reset' to INT32"),
        ("CONFIGURATION", 'Binder Error: Referenced column "timeout_at" not found in FROM clause!'),
        ("CONFIGURATION", "Binder Error: column timed_out not found\n\nLINE 3: select timeout from orders"),
        ("ENGINE", 'connection to server at localhost failed: FATAL: role "tieout" does not exist'),
        ("ENGINE", "canceling statement due to statement timeout"),
        ("ENGINE", "connection to server at 10.0.0.1, port 5432 failed: timeout expired"),
    ],
)
def test_what_a_message_of_an_engine_tells(cause: str, text: str) -> None:
    assert failures.of_node("model", "error", text) == cause


def test_a_test_that_finds_rows_is_a_law_or_a_gate() -> None:
    assert failures.of_node("test", "fail", "3 rows contradict it") == "LAW"
    assert failures.of_node("test", "error", "Binder Error: no column") == "CONFIGURATION"


def test_a_warehouse_of_an_earlier_version_gets_what_has_come_since(data: DataDir) -> None:
    with duckdb.connect(str(data.warehouse)) as connection:
        connection.execute("drop view audit.dead_letters")
        connection.execute("drop view audit.reconciliation_run_states")
        connection.execute("alter table audit.reconciliation_runs drop column lapses")
        connection.execute("drop table audit.reconciliation_templates")
    note(data, "r3")
    with open_ledger(Place(data, "duckdb", replay=False)) as ledger:
        assert "lapses" in ledger.columns()["reconciliation_run_states"]
        assert ledger.rows("select count(*) from {schema}.reconciliation_templates") == [(0,)]
        assert ledger.rows("select run_id from {schema}.dead_letters") == [("r2",)]
    assert proof(data).holds


def test_a_run_that_could_not_begin_counts_as_an_attempt(data: DataDir) -> None:
    moment = "2026-03-02T06:00:00.000000Z"
    RunRecord("killed", moment, moment, "duckdb", replay=False, requested={"as_of": moment}).save(data)
    note(data, "r3")
    with open_ledger(Place(data, "duckdb", replay=False)) as ledger:
        found = ledger.rows("select run_id, attempt, state from {schema}.reconciliation_run_states order by 2")
    assert found == [("r1", 1, "SUCCEEDED"), ("r2", 2, "FAILED"), ("killed", 3, "FAILED"), ("r3", 4, "SUCCEEDED")]
    assert proof(data).holds


def test_a_step_that_is_left_out_is_left_out_of_each_attempt(data: DataDir) -> None:
    """A run of one stream whose build is tried again: nothing that no run writes."""
    moment = "2026-03-04T06:00:00.000000Z"
    steps = [Step(name, name, "by_id", f"{name}__by_id", 1, None, "{}", (), True) for name in ("sales", "returns")]
    record = RunRecord("r3", moment, moment, "duckdb", replay=False, stream="sales")
    record.save(data)
    away = failures.of_error(ConnectionError("server closed the connection")).to_json()
    with open_ledger(Place(data, "duckdb", replay=False), write=True) as ledger:
        begin(ledger, data, record, steps, None)
        record.retries.append({"part": "dbt", "failure": away, "at": moment})
        begin(ledger, data, record, steps, None)
        # Taken up again, it knows what it need not build.
        begin(ledger, data, record, steps, [])
        end(ledger, data, record, "SUCCEEDED", None)
        found = ledger.rows(
            "select model, state, attempt from {schema}.reconciliation_step_run_states order by sequence_number"
        )
    assert found == [("sales__by_id", "SKIPPED", 3), ("returns__by_id", "SKIPPED", 3)]
    assert proof(data).faults == []


def test_a_run_given_up_for_crashed_goes_on(data: DataDir) -> None:
    """Two runs of Dagster take turns: the one looks silent to the other between two of its steps."""
    asked = "2026-03-02T06:00:00.000000Z"
    step = Step("sales", "sales", "by_id", "sales__by_id", 1, None, "{}", (), True)
    record = RunRecord("slow", asked, asked, "duckdb", replay=False)
    record.save(data)
    with open_ledger(Place(data, "duckdb", replay=False), write=True) as ledger:
        begin(ledger, data, record, [step], None)
    note(data, "r3")
    moment = datetime(2026, 3, 2, tzinfo=UTC)
    built = StepBuild(step.model, "success", moment, moment, "")
    outcome = BuildOutcome(1, 0, 0, [], {step.model: built})
    with open_ledger(Place(data, "duckdb", replay=False), write=True) as ledger:
        taken = Taken({}, {"nodes": {}, "groups": {}}, [step], {step.model: Counts({"rows_judged": 3}, set(), {})})
        end_steps(ledger, record, outcome, taken, {})
        end(ledger, data, record, "SUCCEEDED", None)
        runs = ledger.rows("select state from {schema}.reconciliation_run_states where run_id = 'slow'")
        steps = ledger.rows("select state, rows_judged from {schema}.reconciliation_step_run_states")
    assert (runs, steps) == ([("SUCCEEDED",)], [("SUCCEEDED", 3)])
    assert proof(data).holds
