"""The parse that is kept with a project: a new data folder starts from it, and from none that no longer holds."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.data_dir import DataDir
from orchestration.environment import Place
from orchestration.parsed import FOLDER, KEPT, OBJECTS, PARSE, parse_key
from tests.python.pipeline.conftest import Answer, Mini, copy_of_mini
from tests.python.ready import ROOT

DAY = "2026-03-02T06:00:00Z"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The mini project, without what others have kept of it."""
    return copy_of_mini(tmp_path / "project")


def run(project: Path, root: Path, **variables: str) -> Answer:
    root.mkdir()
    mini = Mini(root)
    mini.deliver("one.csv", "A1:100")
    answer = mini.run(DAY, TIEOUT_PROJECT_DIR=str(project), **variables)
    assert answer.code == 0, answer.err
    return answer


def parsed_anew(root: Path) -> bool:
    """dbt writes its parse where it makes one."""
    assert (root / ".dbt" / "duckdb" / "manifest.json").is_file()
    return (root / ".dbt" / "duckdb" / PARSE).is_file()


def test_a_new_data_folder_starts_from_the_parse_of_another(project: Path, tmp_path: Path) -> None:
    first = run(project, tmp_path / "first")
    assert parsed_anew(tmp_path / "first")
    (kept,) = (project / FOLDER).iterdir()
    os.utime(kept, (0, 0))
    second = run(project, tmp_path / "second")
    assert not parsed_anew(tmp_path / "second")
    assert second.json["streams"] == first.json["streams"]
    assert kept.stat().st_mtime > 0, "what is used is kept longest"
    whole = (kept / OBJECTS).read_bytes()
    for number, damaged in enumerate((b"damaged", whole[: len(whole) // 2])):
        (kept / OBJECTS).write_bytes(damaged)
        again = run(project, tmp_path / f"again-{number}")
        assert not parsed_anew(tmp_path / f"again-{number}")
        assert again.json["streams"] == first.json["streams"]
        assert len((kept / OBJECTS).read_bytes()) > len(damaged), "it is made anew"
    # The objects are still there, but of the parse that was.
    (kept / PARSE).write_bytes(b"damaged")
    last = run(project, tmp_path / "last")
    assert parsed_anew(tmp_path / "last")
    assert last.json["streams"] == first.json["streams"]


def test_changed_code_is_parsed_anew(project: Path, tmp_path: Path) -> None:
    run(project, tmp_path / "first")
    # Invalid now: from the kept parse, the run would not see it.
    (project / "models" / "marts" / "broken.sql").write_text("select {{ no_such_macro() }} {% endfor %}")
    (tmp_path / "second").mkdir()
    assert Mini(tmp_path / "second").run(DAY, TIEOUT_PROJECT_DIR=str(project)).code == 2
    (project / "models" / "marts" / "broken.sql").unlink()
    run(project, tmp_path / "third")
    assert not parsed_anew(tmp_path / "third")


def test_what_a_project_reads_of_the_environment_must_be_the_same(project: Path, tmp_path: Path) -> None:
    (project / "models" / "marts" / "told.sql").write_text("select '{{ env_var('TOLD', 'nothing') }}' as told")
    run(project, tmp_path / "first")
    run(project, tmp_path / "second", TOLD="something")
    assert parsed_anew(tmp_path / "second")
    run(project, tmp_path / "third", TOLD="something")
    assert not parsed_anew(tmp_path / "third")


def test_a_project_that_cannot_be_written_to_is_parsed_each_time(project: Path, tmp_path: Path) -> None:
    (project / "target").write_text("a file where a folder would be")
    for name in ("first", "second"):
        run(project, tmp_path / name)
        assert parsed_anew(tmp_path / name)


def test_only_the_latest_are_kept(project: Path, tmp_path: Path) -> None:
    (project / FOLDER).mkdir(parents=True)
    for number in range(KEPT + 3):
        (project / FOLDER / f"old{number}").mkdir()
    run(project, tmp_path / "first")
    assert len(list((project / FOLDER).iterdir())) == KEPT


def test_the_key_tells_files_targets_and_settings_apart(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def key(target: str = "duckdb", root: str = "data") -> str:
        return parse_key(project, Place(DataDir.at(tmp_path / root), target, replay=False))

    first = key()
    assert key(root="elsewhere") == first
    keys = {first, key("postgres")}
    for name, value in (("TIEOUT_SCHEMA_PREFIX", "x_"), ("DBT_DEFER", "1")):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            keys.add(key())
    with monkeypatch.context() as patch:
        patch.setenv("DBT_ENV_CUSTOM_ENV_TIEOUT_RUN_ID", "r1")
        assert key() == first
    for file in ("profiles.yml", "macros/mini.sql", "models/marts/exceptions.sql"):
        (project / file).write_text((project / file).read_text() + "\n")
        keys.add(key())
    assert len(keys) == 7


READ = """
import json, sys
from pathlib import Path
from orchestration import dbt_savings, parsed
if sys.argv[2] == "spared":
    dbt_savings.codecs_made_when_used()
import dbt.cli.main
folder = Path(sys.argv[1])
parse = parsed._read(folder)
if sys.argv[2] == "spared":
    parse = parsed._objects(folder)
named = [(str(name), each) for part in vars(parse).values() if hasattr(part, "items") for name, each in part.items()]
written = [(name, each.to_dict() if hasattr(each, "to_dict") else each) for name, each in named]
said = {name: type(part).__name__ for name, part in vars(parse).items() if name[0] != "_"}
print(json.dumps([written, parse.metadata.to_dict(), parse.state_check.to_dict(), said], sort_keys=True, default=str))
"""


def test_a_parse_says_the_same_however_it_is_read(project: Path, tmp_path: Path) -> None:
    """With code made when it is used and kept as objects, or as dbt does it."""
    run(project, tmp_path / "first")
    (kept,) = (project / FOLDER).iterdir()
    plain, spared = (
        subprocess.run(
            [sys.executable, "-c", READ, kept, how], capture_output=True, text=True, check=True, cwd=ROOT
        ).stdout
        for how in ("plain", "spared")
    )
    assert "model.mini" in plain or "model.tieout" in plain
    assert plain == spared
