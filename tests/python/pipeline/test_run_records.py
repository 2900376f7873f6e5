"""Run records, and other small files of the data folder, after a power cut."""

import os
from pathlib import Path

import pytest

from orchestration import code_version, pipeline, runs
from orchestration.alerts.noting import noted
from orchestration.data_dir import DataDir, write_json
from orchestration.runs import RunRecord, State

MOMENT, LATER = "2026-03-02T06:00:00.000000Z", "2026-03-03T06:00:00.000000Z"


def test_a_file_is_on_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, seen = tmp_path / "note.json", []
    fsync = os.fsync

    def watched(handle: int) -> None:
        seen.append((file.exists(), os.fstat(handle).st_size))
        fsync(handle)

    monkeypatch.setattr("os.fsync", watched)
    write_json(file, {"n": 1})
    assert seen == [(False, file.stat().st_size)]


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"state": "LOST"}', '{"state": "CLOSED", "colour": 1}'])
def test_a_record_that_cannot_be_read_is_told_once_and_stops_nothing(
    data_dir: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = DataDir.at(data_dir)
    for run_id, moment in (("20260302T060000Z-a", MOMENT), ("20260304T060000Z-c", LATER)):
        RunRecord(run_id, moment, moment, "duckdb", replay=False, state=State.CLOSED, built=True).save(data)
    broken = data.runs / "20260303T060000Z-b.json"
    broken.write_text(content)
    newest = data.runs / "20260305T060000Z-d.json"
    newest.write_text(content)
    assert [record.as_of for record in runs.all_of(data, "duckdb")] == [MOMENT, LATER]
    assert runs.latest_built_as_of(data) is not None
    built = runs.latest_built(data, "duckdb")
    assert (built.as_of if built else None) == LATER
    assert code_version.needs_rebuild(data, "duckdb", "c0de")
    assert pipeline.settle(data.root, "duckdb") == 0
    told = capsys.readouterr().err
    assert [told.count(str(file)) for file in (broken, newest)] == [1, 1]
    assert "Bring it back from a backup" in told
    # Never removed, nor written over.
    assert (broken.read_text(), newest.read_text()) == (content, content)
    assert runs.next_run_id(data, pipeline.clock.from_text(LATER)) > newest.stem


def test_runs_that_the_audit_knows_are_not_read_again(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = DataDir.at(data_dir)
    odd = 'a run\n  "audited": true'
    for number, (audited, target) in enumerate(
        [(True, "duckdb"), (False, "duckdb"), (True, "duckdb"), (False, "postgres")]
    ):
        name = f"2026030{number + 1}T060000Z-a"
        RunRecord(name, MOMENT, MOMENT, target, replay=False, audited=audited, start_reason=odd).save(data)
    read: list[str] = []
    load = runs.load
    monkeypatch.setattr(runs, "load", lambda data, run_id: read.append(run_id) or load(data, run_id))
    assert [record.run_id for record in runs.untold(data, "duckdb")] == ["20260302T060000Z-a"]
    assert read == ["20260302T060000Z-a", "20260304T060000Z-a"]


@pytest.mark.parametrize("content", ["", "{}", "[1]"])
def test_a_note_of_what_the_audit_knows_of_alerts_that_cannot_be_read_says_nothing(
    data_dir: Path, content: str
) -> None:
    data = DataDir.at(data_dir)
    (data.root / "alerts").mkdir()
    (data.root / "alerts/duckdb.noted.json").write_text(content)
    assert noted(data, "duckdb") == 0
